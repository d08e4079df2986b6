# Gaze, ResNet-50, MPIIFaceGaze (L2CS-Net), one person left out: fold=0 to 14.
#   train   python tools/train.py configs/gaze/gaze_r50_mpiifacegaze.py fold=0
#   test    python tools/test.py configs/gaze/gaze_r50_mpiifacegaze.py CHECKPOINT fold=0 --out metrics.json
_base_ = [
    '../_base_/models/gaze.py',
    '../_base_/datasets/mpiifacegaze.py',
    '../_base_/schedules/gaze_adam.py',
    '../_base_/default_runtime.py',
]

bins = 28
bin_width = 3.0
bin_start = -42.0
batch_size = 16
max_epochs = 50
model = dict(backbone=dict(depth=50))
