# ArcFace, iResNet-10, SynthFaces identities (rendered before the first epoch): minutes on two cores.
#   train   python tools/train.py configs/arcface/arcface_r10_synthfaces.py
#   test    python tools/test.py configs/arcface/arcface_r10_synthfaces.py CHECKPOINT
#   export  python tools/export_onnx.py configs/arcface/arcface_r10_synthfaces.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/iresnet10_small.py',
    '../_base_/datasets/synth_identities.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

train_identities = 1400
images_per_identity = 8
batch_size = 64
# The faces lie in memory: both cores compute.
num_workers = 0
max_epochs = 8
val_interval = 8
lr = 6e-3
weight_decay = 0.05
optim_wrapper = dict(optimizer=dict(fused=True))
# A far milder scale and margin than the field's 64 and 0.5: there are few identities and few steps.
model = dict(
    head=dict(type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='ArcFace', margin=0.2, scale=16.0))
)
