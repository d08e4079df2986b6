# YOLOv8-Face n, as derronqi/yolov8-face releases it: width 0.25, SiLU.
_base_ = './yolo_face.py'

width = 0.25
depth = 0.33
max_channels = 1024
# 'silu' or 'relu'; a state dict does not tell which.
activation = 'silu'

model = dict(
    backbone=dict(
        type='YOLOv8FaceCSPNet',
        width=width,
        depth=depth,
        max_channels=max_channels,
        activation=activation,
        pretrained=None,
    ),
    neck=dict(type='YOLOv8FacePAN', depth=depth, activation=activation),
    head=dict(
        type='YOLOv8FaceHead',
        codec=dict(type='DistanceCodec', strides=(8, 16, 32), centre=0.5, keypoint_scale=2.0, keypoint_shift=0.5),
        loss=dict(
            type='YOLOv8FaceLoss',
            box=dict(type='IoULoss', kind='mpdiou'),
            distribution=dict(type='DistributionFocalLoss'),
            keypoint=dict(type='OKSKeypointLoss', sigma=0.2, distance='wing'),
            box_weight=7.5,
            distribution_weight=1.5,
            class_weight=0.5,
            keypoint_weight=1.0,
            visibility_weight=1.0,
            mpd_side=640.0,
            # False where most faces have a box only: they would teach that nothing is visible.
            missing_is_invisible=True,
        ),
        num_keypoints=5,
        bins=16,
        activation=activation,
        topk=10,
        alpha=0.5,
        beta=6.0,
        score_thr=0.01,
        nms_iou=0.5,
        nms_pre=30000,
        max_per_img=2048,
    ),
)
