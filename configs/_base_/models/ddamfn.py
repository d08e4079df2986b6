# DDAMFN: aligned faces of 112 x 112, RGB, ImageNet's mean and deviation; two attention maps that are kept apart in training.
image_size = 112
emotions = 'affectnet8/emotion'

model = dict(
    type='AttributeModel',
    data_preprocessor=dict(
        type='FaceDataPreprocessor', mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), bgr_to_rgb=True
    ),
    backbone=dict(type='DDAMFN', attention_heads=2, pretrained=None),
    auxiliary=dict(type='AttentionDiversity', loss_weight=0.1),
    heads=dict(emotion=dict(type='ClassHead', labels=emotions)),
)
contract = dict(
    size=(image_size, image_size),
    alignment='arcface 112x112',
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on facial expressions',
)
