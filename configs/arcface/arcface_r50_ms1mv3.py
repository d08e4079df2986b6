# ArcFace, iResNet-50, MS1MV3, as arcface_torch trains it (`ms1mv3_r50`).
#   train   python tools/train.py configs/arcface/arcface_r50_ms1mv3.py
#   test    python tools/test.py configs/arcface/arcface_r50_ms1mv3.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/arcface/arcface_r50_ms1mv3.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/iresnet50.py',
    '../_base_/datasets/ms1mv3.py',
    '../_base_/schedules/arcface_sgd.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='ArcFace', margin=0.5)))
