# ViT-T, WebFace42M, CosFace with three tenths of the classes a step (`vit_t_dp005_mask0`).
#   train   python tools/train.py configs/arcface/arcface_vit_t_webface42m.py
#   test    python tools/test.py configs/arcface/arcface_vit_t_webface42m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/arcface/arcface_vit_t_webface42m.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/vit_t.py',
    '../_base_/datasets/webface42m.py',
    '../_base_/schedules/arcface_adamw.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(drop_path=0.05, mask_ratio=0.0),
    head=dict(
        type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='CosFace', margin=0.4), sample_rate=0.3
    ),
)
