# RetinaFace with MobileNetV1 x0.25, as biubug6/Pytorch_Retinaface: FPN and SSH of 64 channels, priors 16...512.
_base_ = './face_detector.py'

model = dict(
    data_preprocessor=dict(mean=(104, 117, 123), bgr_to_rgb=False),
    backbone=dict(type='MobileNetV1', width=0.25, pretrained=None),
    neck=dict(type='RetinaFaceFPN', out_channels=64),
    head=dict(
        type='RetinaFaceHead',
        codec=dict(
            type='PriorBoxCodec',
            strides=(8, 16, 32),
            min_sizes=((16, 32), (64, 128), (256, 512)),
            variances=(0.1, 0.2),
        ),
        loss=dict(type='MultiBoxLoss', negative_ratio=7, box_weight=2.0, class_weight=1.0, landmark_weight=1.0),
        num_landmarks=5,
        positive_iou=0.35,
        forced_iou=0.2,
        score_thr=0.02,
        nms_iou=0.4,
        nms_offset=1,
    ),
)
