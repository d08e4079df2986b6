# CosFace, iResNet-50, WebFace4M (`wf4m_r50`).
#   train   python tools/train.py configs/cosface/cosface_r50_webface4m.py
#   test    python tools/test.py configs/cosface/cosface_r50_webface4m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/cosface/cosface_r50_webface4m.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/iresnet50.py',
    '../_base_/datasets/webface4m.py',
    '../_base_/schedules/arcface_sgd.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='CosFace', margin=0.4)))
