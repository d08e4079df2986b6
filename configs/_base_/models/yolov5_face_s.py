# YOLOv5-Face s: cross-stage partial blocks. depth=2/3, width=0.75 is m; depth=1, width=1 is l.
_base_ = './yolov5_face_n.py'

depth = 1 / 3
width = 0.5

model = dict(
    backbone=dict(_delete_=True, type='YOLOv5FaceCSPNet', depth=depth, width=width),
    neck=dict(out_channels=[int(c * width) for c in (256, 512, 1024)], blocks=round(3 * depth)),
)
