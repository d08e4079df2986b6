# AdaFace, IR-101, WebFace12M. Input is BGR.
#   train   python tools/train.py configs/adaface/adaface_ir101_webface12m.py
#   test    python tools/test.py configs/adaface/adaface_ir101_webface12m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/adaface/adaface_ir101_webface12m.py CHECKPOINT -o model.onnx
_base_ = './adaface_ir50_webface4m.py'

data_root = 'data/webface12m'
num_classes = 617970
num_images = 12720066
model = dict(backbone=dict(depth=101))
