# DeepID as DeepFace feeds it: BGR, x / 255, a crop around the detected box.
_base_ = './face_recognizer.py'

model = dict(
    data_preprocessor=dict(mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0), bgr_to_rgb=False),
    backbone=dict(type='DeepIDNet', embedding_size=160, pretrained=None),
)

contract = dict(size=(55, 47), alignment='box, not warped', embedding_size=160)
