# AdaFace, IR-50, WebFace4M. Input is BGR.
#   train   python tools/train.py configs/adaface/adaface_ir50_webface4m.py
#   test    python tools/test.py configs/adaface/adaface_ir50_webface4m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/adaface/adaface_ir50_webface4m.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/ir50.py',
    '../_base_/schedules/adaface_sgd.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(type='MarginHead', num_classes=205990, margin=dict(type='AdaFace')))
