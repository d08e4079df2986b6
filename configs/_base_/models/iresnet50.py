# iResNet-50 of insightface's arcface_torch; other depths: model.backbone.depth.
_base_ = './face_recognizer.py'

model = dict(backbone=dict(type='IResNet', depth=50, embedding_size=512, pretrained=None))
