# MS1MV3 (MS1M-RetinaFace).
_base_ = './faces_recordio.py'

data_root = 'data/ms1m-retinaface-t1'
num_classes = 93431
num_images = 5179510
