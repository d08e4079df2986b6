# What the YOLO face detectors share: RGB / 255, padded with grey to multiples of 32.
_base_ = './face_detector.py'

model = dict(
    data_preprocessor=dict(std=(255, 255, 255), bgr_to_rgb=True, pad_size_divisor=32, pad_value=114 / 255),
)
contract = dict(size='any (height, width), padded to multiples of 32')
