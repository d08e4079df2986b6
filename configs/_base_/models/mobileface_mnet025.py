# yakhyo/face-recognition's MobileNetV1 x0.25. Its training normalised with ImageNet's mean and deviation, its evaluation and
# its ONNX files with 0.5 / 0.5: ours is 0.5 / 0.5 in both.
_base_ = './face_recognizer.py'

model = dict(backbone=dict(type='FaceMobileNetV1', width=0.25, embedding_size=512, pretrained=None))
