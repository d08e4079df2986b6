# AdaFace, IR-50, WebFace4M. Input is BGR.
#   train   python tools/train.py configs/adaface/adaface_ir50_webface4m.py
#   test    python tools/test.py configs/adaface/adaface_ir50_webface4m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/adaface/adaface_ir50_webface4m.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/ir50.py',
    '../_base_/datasets/webface4m.py',
    '../_base_/schedules/adaface_sgd.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='AdaFace')))
# Faces are spoilt so that low quality is learnt: each with its own chance, in this order.
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomCropOnBlack', prob=0.2),
            dict(type='RandomLowResolution', prob=0.2),
            dict(type='RandomColorJitter', prob=0.2),
            dict(type='PackFaceInputs'),
        ]
    )
)
