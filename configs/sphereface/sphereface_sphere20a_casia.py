# SphereFace-20, 112 x 96, CASIA-WebFace, A-Softmax.
#   train   python tools/train.py configs/sphereface/sphereface_sphere20a_casia.py
#   test    python tools/test.py configs/sphereface/sphereface_sphere20a_casia.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/sphereface/sphereface_sphere20a_casia.py CHECKPOINT -o model.onnx
_base_ = ['../_base_/models/sphere20a_112x96.py', '../_base_/default_runtime.py']
