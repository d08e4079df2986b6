# MobileFaceNet of insightface's arcface_torch (`mbf`); `mbf_large`: scale 4, blocks (2, 8, 12, 4).
_base_ = './face_recognizer.py'

model = dict(
    backbone=dict(type='InsightMobileFaceNet', scale=2, blocks=(1, 4, 6, 2), embedding_size=512, pretrained=None)
)
