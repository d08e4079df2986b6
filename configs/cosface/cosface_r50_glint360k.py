# CosFace, iResNet-50, Glint360K, as arcface_torch trains it (`glint360k_r50`).
#   train   python tools/train.py configs/cosface/cosface_r50_glint360k.py
#   test    python tools/test.py configs/cosface/cosface_r50_glint360k.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/cosface/cosface_r50_glint360k.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/iresnet50.py',
    '../_base_/datasets/glint360k.py',
    '../_base_/schedules/arcface_sgd.py',
    '../_base_/default_runtime.py',
]

weight_decay = 1e-4
model = dict(head=dict(type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='CosFace', margin=0.4)))
