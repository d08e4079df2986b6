# MagFace, iResNet-50, MS1MV2. Input is BGR from 0 to 1; the length of an embedding tells the quality.
#   train   python tools/train.py configs/magface/magface_r50_ms1mv2.py
#   test    python tools/test.py configs/magface/magface_r50_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/magface/magface_r50_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/magface_r50.py',
    '../_base_/datasets/ms1mv2.py',
    '../_base_/schedules/adaface_sgd.py',
    '../_base_/default_runtime.py',
]

max_epochs = 25
milestones = [10, 18, 22]
decay_of_norms = 1.0
model = dict(head=dict(type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='MagFace')))
