# PFLD, 68 points, about a hundred faces of dlib's examples and YouTube Faces; tested on other people.
#   train   python tools/train.py configs/landmark68/landmark68_pfld_small.py
#   better  ... load_from=work_dirs/landmark68_pfld_synthfaces/best.safetensors
#   test    python tools/test.py configs/landmark68/landmark68_pfld_small.py CHECKPOINT
_base_ = [
    '../_base_/models/pfld.py',
    '../_base_/datasets/landmarks68_small.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

batch_size = 32
num_workers = 2
max_epochs = 30
val_interval = 10
model = dict(backbone=dict(stem='depthwise', expansion=(1, 1, 2, 1)))
contract = dict(landmark_scheme='300w68')
