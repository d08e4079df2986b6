# Gaze, ResNet-50, Gaze360 (MobileGaze's resnet50, L2CS-Net).
#   train   python tools/train.py configs/gaze/gaze_r50_gaze360.py
#   test    python tools/test.py configs/gaze/gaze_r50_gaze360.py CHECKPOINT --out metrics.json
_base_ = './gaze_r18_gaze360.py'

model = dict(backbone=dict(depth=50))
