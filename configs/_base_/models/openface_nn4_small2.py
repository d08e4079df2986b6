# OpenFace nn4.small2: RGB, x / 255, eyes and nose on OpenFace's own template, unit embeddings.
_base_ = './face_recognizer.py'

model = dict(
    data_preprocessor=dict(mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0)),
    backbone=dict(type='OpenFaceNet', embedding_size=128, pretrained=None),
)

contract = dict(size=(96, 96), alignment='openface outer eyes and nose', embedding_size=128)
