# AdaFace, IR-50, MS1MV2. Input is BGR.
#   train   python tools/train.py configs/adaface/adaface_ir50_ms1mv2.py
#   test    python tools/test.py configs/adaface/adaface_ir50_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/adaface/adaface_ir50_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = './adaface_ir50_webface4m.py'

data_root = 'data/faces_emore'
num_classes = 85742
num_images = 5822653
