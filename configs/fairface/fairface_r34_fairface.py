# FairFace, ResNet-34: race (7), gender (2) and age (9) in the order of the original's 18 outputs.
#   train   python tools/train.py configs/fairface/fairface_r34_fairface.py
#   test    python tools/test.py configs/fairface/fairface_r34_fairface.py CHECKPOINT --out metrics.json
#   export  python tools/export_onnx.py configs/fairface/fairface_r34_fairface.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/attribute_r18.py',
    '../_base_/datasets/fairface.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

lr = 1e-4
model = dict(
    backbone=dict(depth=34),
    heads=dict(
        race=dict(type='ClassHead', labels='fairface/race'),
        gender=dict(type='ClassHead', labels='fairface/gender'),
        age=dict(type='ClassHead', labels='fairface/age'),
    ),
)
