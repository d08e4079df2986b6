# Emotion, ResNet-18, FER+: eight classes, learnt from the shares of ten people's votes, 48 x 48.
#   train   python tools/train.py configs/emotion/emotion_r18_ferplus_48.py data_root=FOLDER
#   test    python tools/test.py configs/emotion/emotion_r18_ferplus_48.py CHECKPOINT data_root=FOLDER --out metrics.json
_base_ = [
    '../_base_/models/attribute_r18.py',
    '../_base_/datasets/ferplus.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

image_size = 48
batch_size = 64
max_epochs = 30
lr = 1e-3
weight_decay = 0.05
dropout = 0.3
model = dict(backbone=dict(pretrained=None), heads=dict(emotion=dict(type='ClassHead', labels=_base_.emotions)))
