# EdgeFace-Base, WebFace12M, CosFace.
#   train   python tools/train.py configs/edgeface/edgeface_base_webface12m.py
#   test    python tools/test.py configs/edgeface/edgeface_base_webface12m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/edgeface/edgeface_base_webface12m.py CHECKPOINT -o model.onnx
_base_ = './edgeface_xs_gamma06_webface12m.py'

model = dict(backbone=dict(size='base', rank_ratio=None))
