# Gaze, MobileNetV2, Gaze360 (MobileGaze's mobilenetv2).
#   train   python tools/train.py configs/gaze/gaze_mobilenet_v2_gaze360.py
#   test    python tools/test.py configs/gaze/gaze_mobilenet_v2_gaze360.py CHECKPOINT --out metrics.json
_base_ = './gaze_r18_gaze360.py'

model = dict(backbone=dict(_delete_=True, type='MobileNetV2', pretrained='torchvision', activated_norm=(1e-3, 0.01)))
