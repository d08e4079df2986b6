# A ResNet-18 with named heads; children name the heads. ImageNet input (RGB).
image_size = 224
dropout = 0.0

model = dict(
    type='AttributeModel',
    data_preprocessor=dict(
        type='FaceDataPreprocessor', mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), bgr_to_rgb=True
    ),
    backbone=dict(type='ResNet', depth=18, out_stages=(4,), pretrained='torchvision'),
    heads=dict(),
    dropout=dropout,
)
contract = dict(
    size=(image_size, image_size),
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on face attributes',
)
