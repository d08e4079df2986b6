# Gaze from the eyes of rendered faces, a small iResNet: minutes on two cores, nothing to download.
#   train   python tools/train.py configs/gaze/gaze_r10_eyes_synthfaces.py
#   test    python tools/test.py configs/gaze/gaze_r10_eyes_synthfaces.py CHECKPOINT --out metrics.json
_base_ = [
    '../_base_/models/gaze_eyes.py',
    '../_base_/datasets/synth_gaze.py',
    '../_base_/schedules/gaze_adam.py',
    '../_base_/default_runtime.py',
]

batch_size = 64
max_epochs = 60
val_interval = 10
warmup_epochs = 1
lr = 3e-3
