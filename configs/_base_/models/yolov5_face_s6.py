# YOLOv5-Face s6: a fourth level of stride 64. depth=2/3, width=0.75 is m6; depth=1, width=1 is l6.
_base_ = './yolov5_face_n.py'

depth = 1 / 3
width = 0.5

model = dict(
    data_preprocessor=dict(pad_size_divisor=64),
    backbone=dict(
        _delete_=True,
        type='YOLOv5FaceCSPNet',
        depth=depth,
        width=width,
        channels=(128, 256, 512, 768, 1024),
        blocks=(3, 9, 9, 3, 3),
    ),
    neck=dict(out_channels=[int(c * width) for c in (256, 512, 768, 1024)], blocks=round(3 * depth)),
    head=dict(
        codec=dict(
            strides=(8, 16, 32, 64),
            anchors=(
                ((6, 7), (9, 11), (13, 16)),
                ((18, 23), (26, 33), (37, 47)),
                ((54, 67), (77, 104), (112, 154)),
                ((174, 238), (258, 355), (445, 568)),
            ),
        ),
        level_weights=(4.0, 1.0, 0.4, 0.1),
    ),
)
contract = dict(size='any (height, width), padded to multiples of 64')
