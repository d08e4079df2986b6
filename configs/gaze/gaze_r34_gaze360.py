# Gaze, ResNet-34, Gaze360 (MobileGaze's resnet34).
#   train   python tools/train.py configs/gaze/gaze_r34_gaze360.py
#   test    python tools/test.py configs/gaze/gaze_r34_gaze360.py CHECKPOINT --out metrics.json
_base_ = './gaze_r18_gaze360.py'

model = dict(backbone=dict(depth=34))
