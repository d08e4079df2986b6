# YOLOv5-Face n: ShuffleNet V2 units, pyramid of 128 channels, three anchors per cell on strides 8, 16, 32.
# width=0.5 is n-0.5. RGB / 255.
_base_ = './yolo_face.py'

width = 1.0
neck_channels = [int(128 * width)] * 3

model = dict(
    backbone=dict(type='YOLOv5FaceShuffleNet', width=width),
    neck=dict(type='YOLOv5PAN', out_channels=neck_channels, blocks=1),
    head=dict(
        type='YOLOv5FaceHead',
        codec=dict(
            type='AnchorGridCodec',
            strides=(8, 16, 32),
            anchors=(
                ((4, 5), (8, 10), (13, 16)),
                ((23, 29), (43, 55), (73, 105)),
                ((146, 217), (231, 300), (335, 433)),
            ),
        ),
        box_loss=dict(type='IoULoss', kind='ciou', eps=1e-9, loss_weight=0.05),
        landmark_loss=dict(type='WingLoss', width=10.0, curvature=2.0, loss_weight=0.005),
        objectness_weight=1.0,
        level_weights=(4.0, 1.0, 0.4),
        max_ratio=4.0,
        num_landmarks=5,
        score_thr=0.02,
        nms_iou=0.5,
    ),
)
