# CurricularFace, IR-101, MS1MV2.
#   train   python tools/train.py configs/curricularface/curricularface_ir101_ms1mv2.py
#   test    python tools/test.py configs/curricularface/curricularface_ir101_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/curricularface/curricularface_ir101_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/curricularface_ir101.py',
    '../_base_/datasets/ms1mv2.py',
    '../_base_/schedules/adaface_sgd.py',
    '../_base_/default_runtime.py',
]

max_epochs = 24
milestones = [10, 18, 22]
model = dict(head=dict(type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='CurricularFace')))
