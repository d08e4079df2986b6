# IR-101 of CurricularFace: units without batch norm between their first convolution and PReLU.
_base_ = './face_recognizer.py'

model = dict(
    backbone=dict(
        type='IResNet',
        depth=101,
        embedding_size=512,
        stage1_shortcut='maxpool',
        middle_bn=False,
        final_bn_affine=False,
        dropout=0.4,
        init='kaiming',
        pretrained=None,
    )
)
