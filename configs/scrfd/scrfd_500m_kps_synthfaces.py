# SCRFD-500M with key points, SynthFaces (rendered while training): from nothing to a face detector on two cores.
#   train   python tools/train.py configs/scrfd/scrfd_500m_kps_synthfaces.py
#   test    python tools/test.py configs/scrfd/scrfd_500m_kps_synthfaces.py CHECKPOINT
_base_ = [
    '../_base_/models/scrfd_500m_kps.py',
    '../_base_/datasets/synthfaces.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

max_epochs = 44
warmup_epochs = 4
val_interval = 22
lr = 4e-3
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.99)))
