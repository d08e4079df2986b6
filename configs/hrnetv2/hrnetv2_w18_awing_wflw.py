# HRNetV2-W18 on WFLW with the adaptive wing loss (Wang et al., ICCV 2019).
#   train   python tools/train.py configs/hrnetv2/hrnetv2_w18_awing_wflw.py pretrained=open-mmlab://msra/hrnetv2_w18
#   test    python tools/test.py configs/hrnetv2/hrnetv2_w18_awing_wflw.py CHECKPOINT
_base_ = './hrnetv2_w18_wflw.py'

model = dict(head=dict(loss=dict(type='AdaptiveWingLoss', use_target_weight=True)))
