# BiSeNet, ResNet-18, CelebAMask-HQ, tested at three sizes and mirrored: probabilities are averaged.
#   test    python tools/test.py configs/bisenet/bisenet_r18_celebamaskhq_512_multiscale.py CHECKPOINT
_base_ = './bisenet_r18_celebamaskhq_512.py'

model = dict(
    test_aug=dict(
        type='ParsingMultiScaleFlip', scales=(0.75, 1.0, 1.25), flip=True, flip_pairs=((2, 3), (4, 5), (7, 8))
    )
)
