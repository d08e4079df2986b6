# MS1MV2 (faces_emore).
_base_ = './faces_recordio.py'

data_root = 'data/faces_emore'
num_classes = 85742
num_images = 5822653
