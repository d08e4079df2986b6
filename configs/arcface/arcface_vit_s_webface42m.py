# ViT-S (`vit_s_dp005_mask_0`), WebFace42M, CosFace.
#   train   python tools/train.py configs/arcface/arcface_vit_s_webface42m.py
#   test    python tools/test.py configs/arcface/arcface_vit_s_webface42m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/arcface/arcface_vit_s_webface42m.py CHECKPOINT -o model.onnx
_base_ = './arcface_vit_t_webface42m.py'

model = dict(backbone=dict(width=512))
