# ElasticFace-Arc, iResNet-100, MS1MV2: margins N(0.5, 0.05²) drawn for each sample.
#   train   python tools/train.py configs/elasticface/elasticface_r100_arc_ms1mv2.py
#   test    python tools/test.py configs/elasticface/elasticface_r100_arc_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/elasticface/elasticface_r100_arc_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/iresnet50.py',
    '../_base_/datasets/ms1mv2.py',
    '../_base_/schedules/adaface_sgd.py',
    '../_base_/default_runtime.py',
]

milestones = [8, 14, 20, 25]
decay_of_norms = 1.0
model = dict(
    backbone=dict(depth=100),
    head=dict(
        type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='ElasticFace', form='arc', plus=False)
    ),
)
