# MiniFASNetV1 on CelebA-Spoof, crops of 2.7 times the face's box.
#   train   python tools/train.py configs/minifasnet/minifasnet_v1_celebaspoof_80.py
#   test    python tools/test.py configs/minifasnet/minifasnet_v1_celebaspoof_80.py CHECKPOINT --out metrics.json
_base_ = './minifasnet_v2_celebaspoof_80.py'

version = 1
excite = False
scales = [2.7]
