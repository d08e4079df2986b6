# HRNetV2-W18 on WFLW with targets and decoding that are exact below a pixel (DARK).
#   train   python tools/train.py configs/hrnetv2/hrnetv2_w18_dark_wflw.py pretrained=open-mmlab://msra/hrnetv2_w18
#   test    python tools/test.py configs/hrnetv2/hrnetv2_w18_dark_wflw.py CHECKPOINT
_base_ = './hrnetv2_w18_wflw.py'

codec = dict(unbiased=True)
