# VGG-Face: BGR minus the mean face colour, a crop around the detected box, 4096 numbers of which none is negative.
_base_ = './face_recognizer.py'

model = dict(
    data_preprocessor=dict(mean=(93.5940, 104.7624, 129.1863), std=(1.0, 1.0, 1.0), bgr_to_rgb=False),
    backbone=dict(type='VGGFaceNet', embedding_size=4096, dropout=0.5, pretrained=None),
)

contract = dict(size=(224, 224), alignment='box, not warped', embedding_size=4096)
