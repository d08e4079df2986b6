# ArcFace, iResNet-100, MS1MV3.
#   train   python tools/train.py configs/arcface/arcface_r100_ms1mv3.py
#   test    python tools/test.py configs/arcface/arcface_r100_ms1mv3.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/arcface/arcface_r100_ms1mv3.py CHECKPOINT -o model.onnx
_base_ = './arcface_r50_ms1mv3.py'

model = dict(backbone=dict(depth=100))
