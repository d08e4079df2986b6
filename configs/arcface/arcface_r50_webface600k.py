# iResNet-50, WebFace600K (WebFace12M), CosFace: the network of `buffalo_l` (w600k_r50.onnx).
#   train   python tools/train.py configs/arcface/arcface_r50_webface600k.py
#   test    python tools/test.py configs/arcface/arcface_r50_webface600k.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/arcface/arcface_r50_webface600k.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/iresnet50.py',
    '../_base_/datasets/webface12m.py',
    '../_base_/schedules/arcface_sgd.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='CosFace', margin=0.4)))
