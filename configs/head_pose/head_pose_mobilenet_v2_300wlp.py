# Head pose, MobileNetV2, trained on 300W-LP, tested on AFLW2000-3D (or test_set=biwi).
#   train   python tools/train.py configs/head_pose/head_pose_mobilenet_v2_300wlp.py
#   test    python tools/test.py configs/head_pose/head_pose_mobilenet_v2_300wlp.py CHECKPOINT --out metrics.json
_base_ = './head_pose_r50_300wlp.py'

model = dict(backbone=dict(_delete_=True, type='MobileNetV2', pretrained='torchvision'))
