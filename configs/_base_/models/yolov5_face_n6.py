# YOLOv5-Face n6: n with a fourth level of stride 64.
# The units of stride 1 per level are a guess: no published checkpoint or count to compare with.
_base_ = './yolov5_face_s6.py'

width = 1.0

model = dict(
    backbone=dict(
        _delete_=True,
        type='YOLOv5FaceShuffleNet',
        width=width,
        channels=(128, 256, 384, 512),
        blocks=(3, 7, 3, 3),
    ),
    neck=dict(out_channels=[int(128 * width)] * 4, blocks=1),
)
