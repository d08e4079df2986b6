# insightface's genderage: MobileNet x0.25 on faces of 96 px, 1.5 times the box, RGB, (x - 127.5) / 128; gender, then age / 100.
image_size = 96

model = dict(
    type='AttributeModel',
    data_preprocessor=dict(
        type='FaceDataPreprocessor', mean=(127.5, 127.5, 127.5), std=(128.0, 128.0, 128.0), bgr_to_rgb=True
    ),
    backbone=dict(type='MobileNet2D106', first_channels=8, last_channels=None),
    heads=dict(
        gender=dict(type='ClassHead', labels='insightface/gender'),
        age=dict(type='RegressionHead', scale=100.0, loss='l1', loss_weight=10.0),
    ),
)
contract = dict(
    size=(image_size, image_size),
    alignment='1.5 times the box, not warped',
    detected_box_scale=1.5,
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on face attributes',
)
