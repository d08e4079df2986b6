# YOLOv8-Face lite-s: ShuffleNet V2 units, a neck that adds.
_base_ = './yolov8_face_n.py'

activation = 'silu'
channels = (32, 96, 192, 384)
blocks = (3, 7, 3)
neck_channels = 96

model = dict(
    backbone=dict(
        _delete_=True,
        type='YOLOv8FaceShuffleNet',
        channels=channels,
        blocks=blocks,
        activation=activation,
        pretrained=None,
    ),
    neck=dict(_delete_=True, type='YOLOv8FaceLitePAN', out_channels=neck_channels, activation=activation),
)
