# EdgeFace-XS with gamma 0.6, WebFace12M, CosFace.
#   train   python tools/train.py configs/edgeface/edgeface_xs_gamma06_webface12m.py
#   test    python tools/test.py configs/edgeface/edgeface_xs_gamma06_webface12m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/edgeface/edgeface_xs_gamma06_webface12m.py CHECKPOINT -o model.onnx
_base_ = ['../_base_/models/edgeface_xs_gamma06.py', '../_base_/default_runtime.py']
