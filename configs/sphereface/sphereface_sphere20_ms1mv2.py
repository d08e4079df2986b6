# SphereNet of 20 layers, MS1MV2, CosFace.
#   train   python tools/train.py configs/sphereface/sphereface_sphere20_ms1mv2.py
#   test    python tools/test.py configs/sphereface/sphereface_sphere20_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/sphereface/sphereface_sphere20_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = ['../_base_/models/sphere20.py', '../_base_/default_runtime.py']
