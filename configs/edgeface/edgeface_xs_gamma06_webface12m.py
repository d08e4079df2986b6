# EdgeFace-XS with gamma 0.6, WebFace12M, CosFace. The schedule is arcface_torch's for ViT.
#   train   python tools/train.py configs/edgeface/edgeface_xs_gamma06_webface12m.py
#   test    python tools/test.py configs/edgeface/edgeface_xs_gamma06_webface12m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/edgeface/edgeface_xs_gamma06_webface12m.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/edgeface_xs_gamma06.py',
    '../_base_/datasets/webface12m.py',
    '../_base_/schedules/arcface_adamw.py',
    '../_base_/default_runtime.py',
]

max_epochs = 20
model = dict(
    head=dict(
        type='MarginHead', num_classes=_base_.num_classes, sample_rate=0.3, margin=dict(type='CosFace', margin=0.4)
    )
)
