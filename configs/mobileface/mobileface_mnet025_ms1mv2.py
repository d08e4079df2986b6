# MobileNetV1 x0.25, MS1MV2, CosFace.
#   train   python tools/train.py configs/mobileface/mobileface_mnet025_ms1mv2.py
#   test    python tools/test.py configs/mobileface/mobileface_mnet025_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/mobileface/mobileface_mnet025_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = ['../_base_/models/mobileface_mnet025.py', '../_base_/default_runtime.py']
