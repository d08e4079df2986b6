# SCRFD-500M with key points (`500m_bnkps`): searched MobileNetV1, PAFPN, one tower per level with batch norm.
_base_ = './face_detector.py'

model = dict(
    data_preprocessor=dict(
        mean=(127.5, 127.5, 127.5),
        std=(128.0, 128.0, 128.0),
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type='SCRFDMobileNet',
        stem_channels=(16, 16),
        stage_channels=(40, 72, 152, 288),
        stage_blocks=(2, 3, 2, 6),
    ),
    neck=dict(type='PAFPN', out_channels=16),
    head=dict(
        type='SCRFDHead',
        # Two anchors at the upper left corner of every cell.
        codec=dict(type='DistanceCodec', strides=(8, 16, 32), per_cell=2, centre=0.0),
        loss=dict(type='SCRFDLoss', class_weight=1.0, box_weight=2.0, landmark_weight=0.1),
        anchor_sizes=((16, 32), (64, 128), (256, 512)),
        feat_channels=64,
        stacked_convs=2,
        depthwise=True,
        norm='BN',
        share=False,
        scale=False,
        num_landmarks=5,
        topk=9,
        score_thr=0.02,
        nms_iou=0.45,
    ),
)

contract = dict(size='any (height, width); published figures: long side 640')
