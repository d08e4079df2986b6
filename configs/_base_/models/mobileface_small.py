# A small network for trainings of minutes on a CPU: MobileNetV1, half width, whose last 4 x 4 map gives 128 numbers.
_base_ = './face_recognizer.py'

model = dict(
    backbone=dict(type='MobileNetV1', width=0.5, pretrained=None),
    neck=dict(type='GDC', embedding_size=128, size=4),
)
contract = dict(embedding_size=128)
