# FairFace, ResNet-18, images of 64 x 64: minutes on two cores with a part of the data.
#   train   python tools/train.py configs/fairface/fairface_r18_fairface_64.py
#   test    python tools/test.py configs/fairface/fairface_r18_fairface_64.py CHECKPOINT --out metrics.json
_base_ = './fairface_r34_fairface.py'

image_size = 64
lr = 1e-3
weight_decay = 0.05
max_epochs = 30
dropout = 0.3
model = dict(backbone=dict(depth=18, pretrained=None))
