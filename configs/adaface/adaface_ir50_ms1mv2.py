# AdaFace, IR-50, MS1MV2. Input is BGR.
#   train   python tools/train.py configs/adaface/adaface_ir50_ms1mv2.py
#   test    python tools/test.py configs/adaface/adaface_ir50_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/adaface/adaface_ir50_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/ir50.py',
    '../_base_/schedules/adaface_sgd.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(type='MarginHead', num_classes=85742, margin=dict(type='AdaFace')))
