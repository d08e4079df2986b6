# SphereNet of 64 layers, MS1MV2, CosFace.
#   train   python tools/train.py configs/sphereface/sphereface_sphere64_ms1mv2.py
#   test    python tools/test.py configs/sphereface/sphereface_sphere64_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/sphereface/sphereface_sphere64_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = './sphereface_sphere20_ms1mv2.py'

model = dict(backbone=dict(depth=64))
