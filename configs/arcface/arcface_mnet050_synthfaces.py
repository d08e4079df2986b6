# ArcFace, MobileNetV1 x0.5, SynthFaces identities (rendered before the first epoch): minutes on two cores.
#   train   python tools/train.py configs/arcface/arcface_mnet050_synthfaces.py
#   test    python tools/test.py configs/arcface/arcface_mnet050_synthfaces.py CHECKPOINT
#   PartialFC: add model.head.sample_rate=0.3
_base_ = [
    '../_base_/models/mobileface_small.py',
    '../_base_/datasets/synth_identities.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

train_identities = 1500
images_per_identity = 12
batch_size = 64
max_epochs = 8
warmup_epochs = 1
val_interval = 8
lr = 4e-3
weight_decay = 0.05
optim_wrapper = dict(optimizer=dict(fused=True))
# A milder scale than the field's 64: there are few identities and few steps.
model = dict(
    head=dict(type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='ArcFace', margin=0.3, scale=32.0))
)
