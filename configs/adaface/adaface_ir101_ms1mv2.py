# AdaFace, IR-101, MS1MV2. Input is BGR.
#   train   python tools/train.py configs/adaface/adaface_ir101_ms1mv2.py
#   test    python tools/test.py configs/adaface/adaface_ir101_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/adaface/adaface_ir101_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = './adaface_ir50_ms1mv2.py'

model = dict(backbone=dict(depth=101))
