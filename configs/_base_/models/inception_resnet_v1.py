# FaceNet as timesler/facenet-pytorch publishes it: a crop around the detected box, not aligned by points; unit embeddings.
_base_ = './face_recognizer.py'

model = dict(
    data_preprocessor=dict(std=(128.0, 128.0, 128.0)),
    backbone=dict(type='InceptionResNetV1', embedding_size=512, dropout=0.6, unit=True, pretrained=None),
)

contract = dict(size=(160, 160), alignment='box, not warped')
