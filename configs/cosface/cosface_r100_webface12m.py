# CosFace, iResNet-100, WebFace12M, with a fifth of the classes a step.
#   train   python tools/train.py configs/cosface/cosface_r100_webface12m.py
#   test    python tools/test.py configs/cosface/cosface_r100_webface12m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/cosface/cosface_r100_webface12m.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/iresnet50.py',
    '../_base_/datasets/webface12m.py',
    '../_base_/schedules/arcface_sgd.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(depth=100),
    head=dict(
        type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='CosFace', margin=0.4), sample_rate=0.2
    ),
)
