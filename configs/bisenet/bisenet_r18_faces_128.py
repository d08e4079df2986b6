# BiSeNet, ResNet-18, a few hundred images of your own with masks, from random weights, on two cores; 128 px.
#   train   python tools/train.py configs/bisenet/bisenet_r18_faces_128.py data_root=data/celebamask_mini
#   test    python tools/test.py configs/bisenet/bisenet_r18_faces_128.py CHECKPOINT
_base_ = [
    '../_base_/models/bisenet_r18.py',
    '../_base_/datasets/parsing_folder.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

max_epochs = 60
warmup_epochs = 3
val_interval = 20
lr = 2e-3
# Masks are judged at the original size: interpolated logits give finer outlines than labels of 128 px.
model = dict(backbone=dict(pretrained=None), resize='logits')
