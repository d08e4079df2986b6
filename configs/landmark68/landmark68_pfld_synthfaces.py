# PFLD, 68 points, on rendered faces: from random weights, nothing to download, on two cores.
#   train   python tools/train.py configs/landmark68/landmark68_pfld_synthfaces.py
#   test    python tools/test.py configs/landmark68/landmark68_pfld_synthfaces.py CHECKPOINT
#   before real faces: python tools/train.py landmark68_pfld_small load_from=work_dirs/landmark68_pfld_synthfaces/last.safetensors
_base_ = [
    '../_base_/models/pfld.py',
    '../_base_/datasets/synth_landmarks.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

# As in landmark68_pfld_small and 300-W.
box = 'points'
batch_size = 32
num_workers = 2
max_epochs = 10
val_interval = 5
model = dict(backbone=dict(stem='depthwise', expansion=(1, 1, 2, 1)))
contract = dict(landmark_scheme=_base_.scheme, intended_use='tests on rendered faces, or a start for real ones')
