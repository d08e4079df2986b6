# iResNet-50 of MagFace: BGR from 0 to 1, epsilon 2e-5, whole channels dropped.
_base_ = './iresnet50.py'

model = dict(
    data_preprocessor=dict(mean=(0, 0, 0), std=(255.0, 255.0, 255.0), bgr_to_rgb=False),
    backbone=dict(bn_eps=2e-5, bn_momentum=0.9, dropout=0.4, channel_dropout=True, init='kaiming'),
)
