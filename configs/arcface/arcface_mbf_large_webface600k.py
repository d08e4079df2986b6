# MobileFaceNet of four times the width (`mbf_large`), WebFace600K (WebFace12M), CosFace.
#   train   python tools/train.py configs/arcface/arcface_mbf_large_webface600k.py
#   test    python tools/test.py configs/arcface/arcface_mbf_large_webface600k.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/arcface/arcface_mbf_large_webface600k.py CHECKPOINT -o model.onnx
_base_ = './arcface_mbf_webface600k.py'

model = dict(backbone=dict(scale=4, blocks=(2, 8, 12, 4)))
