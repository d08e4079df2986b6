# IR-50 of AdaFace: input is BGR, deployment gives direction and length; the length tells the quality.
_base_ = './face_recognizer.py'

model = dict(
    data_preprocessor=dict(bgr_to_rgb=False),
    backbone=dict(
        type='IResNet',
        depth=50,
        embedding_size=512,
        stage1_shortcut='maxpool',
        final_bn_affine=False,
        dropout=0.4,
        init='kaiming',
        pretrained=None,
    ),
    outputs='unit_and_norm',
)
