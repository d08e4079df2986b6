# AdaFace, IR-101, WebFace12M. Input is BGR.
#   train   python tools/train.py configs/adaface/adaface_ir101_webface12m.py
#   test    python tools/test.py configs/adaface/adaface_ir101_webface12m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/adaface/adaface_ir101_webface12m.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/ir50.py',
    '../_base_/schedules/adaface_sgd.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(depth=101),
    head=dict(type='MarginHead', num_classes=617970, margin=dict(type='AdaFace')),
)
