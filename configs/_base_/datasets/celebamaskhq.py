data_root = 'data/CelebAMask-HQ'
