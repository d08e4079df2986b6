# CosFace, iResNet-100, Glint360K (`glint360k_r100`).
#   train   python tools/train.py configs/cosface/cosface_r100_glint360k.py
#   test    python tools/test.py configs/cosface/cosface_r100_glint360k.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/cosface/cosface_r100_glint360k.py CHECKPOINT -o model.onnx
_base_ = './cosface_r50_glint360k.py'

model = dict(backbone=dict(depth=100))
