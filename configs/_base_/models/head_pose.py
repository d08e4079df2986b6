# Head pose by six numbers that make a rotation, and the angle between rotations as the loss (6DRepNet).
image_size = 224

model = dict(
    type='AttributeModel',
    data_preprocessor=dict(
        type='FaceDataPreprocessor', mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), bgr_to_rgb=True
    ),
    backbone=dict(type='ResNet', depth=50, out_stages=(4,), pretrained='torchvision'),
    heads=dict(rotation=dict(type='RotationHead')),
)
contract = dict(
    size=(image_size, image_size),
    # The signs of 300W-LP; others turn yaw round.
    angles='degrees, R = Rz(roll) Ry(yaw) Rx(pitch), as 300W-LP and AFLW2000 state them',
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on head pose estimation',
)
