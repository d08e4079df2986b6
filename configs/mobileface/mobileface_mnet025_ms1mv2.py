# MobileNetV1 x0.25, MS1MV2, CosFace: as yakhyo/face-recognition trains it.
#   train   python tools/train.py configs/mobileface/mobileface_mnet025_ms1mv2.py
#   test    python tools/test.py configs/mobileface/mobileface_mnet025_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/mobileface/mobileface_mnet025_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/mobileface_mnet025.py',
    '../_base_/datasets/ms1mv2.py',
    '../_base_/schedules/adaface_sgd.py',
    '../_base_/default_runtime.py',
]

batch_size = 512
max_epochs = 30
milestones = [10, 20, 25]
decay_of_norms = 1.0
model = dict(
    head=dict(type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='CosFace', margin=0.4, scale=30.0))
)
