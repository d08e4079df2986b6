# RetinaFace, MobileNetV1 x0.25, tested at five sizes and mirrored, with box voting: insightface's pyramid.
#   test    python tools/test.py configs/retinaface/retinaface_mnet025_widerface_multiscale.py CHECKPOINT
_base_ = './retinaface_mnet025_widerface.py'

model = dict(test_aug=dict(type='MultiScaleFlip', short_sides=(500, 800, 1100, 1400, 1700), max_long=2150, flip=True))
