# ArcFace, MobileFaceNet, MS1MV3 (`ms1mv3_mbf`).
#   train   python tools/train.py configs/arcface/arcface_mbf_ms1mv3.py
#   test    python tools/test.py configs/arcface/arcface_mbf_ms1mv3.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/arcface/arcface_mbf_ms1mv3.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/mbf.py',
    '../_base_/datasets/ms1mv3.py',
    '../_base_/schedules/arcface_sgd.py',
    '../_base_/default_runtime.py',
]

weight_decay = 1e-4
max_epochs = 40
model = dict(head=dict(type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='ArcFace', margin=0.5)))
