# SphereNet of 20 layers as yakhyo/face-recognition builds it; 36 and 64: model.backbone.depth. Its training normalised with
# ImageNet's mean and deviation, its evaluation and its ONNX files with 0.5 / 0.5: ours is 0.5 / 0.5 in both.
_base_ = './face_recognizer.py'

model = dict(
    backbone=dict(type='SphereNet', depth=20, embedding_size=512, size=(112, 112), block_bias=False, pretrained=None)
)
