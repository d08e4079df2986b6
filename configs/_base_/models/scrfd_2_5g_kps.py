# SCRFD-2.5G with key points (`2.5g_bnkps`): searched ResNet.
_base_ = './scrfd_500m_kps.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNetV1e',
        stem_channels=24,
        stage_channels=(24, 48, 48, 80),
        stage_blocks=(3, 5, 3, 2),
    ),
    neck=dict(out_channels=24),
    head=dict(feat_channels=64, depthwise=False, scale=True),
)
