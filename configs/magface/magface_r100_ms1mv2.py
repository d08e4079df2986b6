# MagFace, iResNet-100, MS1MV2. Input is BGR from 0 to 1.
#   train   python tools/train.py configs/magface/magface_r100_ms1mv2.py
#   test    python tools/test.py configs/magface/magface_r100_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/magface/magface_r100_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = './magface_r50_ms1mv2.py'

model = dict(backbone=dict(depth=100))
