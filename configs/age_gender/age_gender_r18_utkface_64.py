# Age in years, gender and race, ResNet-18, UTKFace, images of 64 x 64.
#   train   python tools/train.py configs/age_gender/age_gender_r18_utkface_64.py
#   test    python tools/test.py configs/age_gender/age_gender_r18_utkface_64.py CHECKPOINT --out metrics.json
_base_ = [
    '../_base_/models/attribute_r18.py',
    '../_base_/datasets/utkface.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

image_size = 64
lr = 1e-3
weight_decay = 0.05
max_epochs = 40
batch_size = 32
dropout = 0.2
model = dict(
    backbone=dict(pretrained=None),
    heads=dict(
        # The mean and the spread of the data: training need not find them first.
        age=dict(type='RegressionHead', scale=20.0, offset=33.0, loss='l1'),
        gender=dict(type='ClassHead', labels='utkface/gender', loss_weight=0.5),
        race=dict(type='ClassHead', labels='utkface/race', loss_weight=0.5),
    ),
)
