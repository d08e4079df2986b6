# ViT-L (`vit_l_dp005_mask_005`, which masks a tenth of the tokens whatever its name says), WebFace42M, CosFace.
#   train   python tools/train.py configs/arcface/arcface_vit_l_webface42m.py
#   test    python tools/test.py configs/arcface/arcface_vit_l_webface42m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/arcface/arcface_vit_l_webface42m.py CHECKPOINT -o model.onnx
_base_ = './arcface_vit_t_webface42m.py'

model = dict(backbone=dict(width=768, depth=24, mask_ratio=0.1, activation_checkpointing=True))
