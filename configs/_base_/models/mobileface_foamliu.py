# foamliu/MobileFaceNet: 128 numbers, ImageNet's mean and deviation.
_base_ = './face_recognizer.py'

model = dict(
    data_preprocessor=dict(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)),
    backbone=dict(type='FoamliuMobileFaceNet', embedding_size=128, pretrained=None),
)

contract = dict(embedding_size=128)
