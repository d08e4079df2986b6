# MiniFASNetV2 on folders of live and fake faces (tight crops: the whole image is the face): minutes on two cores.
#   train   python tools/train.py configs/minifasnet/minifasnet_v2_liveness.py data_root=FOLDER
#   test    python tools/test.py configs/minifasnet/minifasnet_v2_liveness.py CHECKPOINT data_root=FOLDER --out metrics.json
_base_ = [
    '../_base_/models/minifasnet.py',
    '../_base_/datasets/spoof_folders.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

spoof_labels = 'binary/spoof'
max_epochs = 40
batch_size = 16
val_interval = 40
lr = 2e-3
weight_decay = 0.05
