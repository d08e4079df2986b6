# MiniFASNetV1SE on CelebA-Spoof, crops of 4.0 times the face's box: the network of `4_0_0_80x80_MiniFASNetV1SE.pth`.
#   train   python tools/train.py configs/minifasnet/minifasnet_v1se_celebaspoof_80.py
#   test    python tools/test.py configs/minifasnet/minifasnet_v1se_celebaspoof_80.py CHECKPOINT --out metrics.json
_base_ = './minifasnet_v2_celebaspoof_80.py'

version = 1
excite = True
scales = [4.0]
