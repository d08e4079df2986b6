# SphereFace-20 as clcarwin/sphereface_pytorch publishes it: narrow crops, BGR, (x - 127.5) / 128, a bias in every layer.
_base_ = './sphere20.py'

model = dict(
    data_preprocessor=dict(std=(128.0, 128.0, 128.0), bgr_to_rgb=False),
    backbone=dict(size=(112, 96), block_bias=True),
)

contract = dict(size=(112, 96), alignment='arcface 112x96')
