# CurricularFace, IR-50, MS1MV2.
#   train   python tools/train.py configs/curricularface/curricularface_ir50_ms1mv2.py
#   test    python tools/test.py configs/curricularface/curricularface_ir50_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/curricularface/curricularface_ir50_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = './curricularface_ir101_ms1mv2.py'

model = dict(backbone=dict(depth=50))
