# AdaFace, IR-200 (bottleneck units), WebFace4M. Input is BGR.
#   train   python tools/train.py configs/adaface/adaface_ir200_webface4m.py
#   test    python tools/test.py configs/adaface/adaface_ir200_webface4m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/adaface/adaface_ir200_webface4m.py CHECKPOINT -o model.onnx
_base_ = './adaface_ir50_webface4m.py'

model = dict(backbone=dict(depth=200, bottleneck=True))
