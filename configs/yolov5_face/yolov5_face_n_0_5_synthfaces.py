# YOLOv5-Face n-0.5, SynthFaces (rendered while training): from nothing to a face detector on two cores.
#   train   python tools/train.py configs/yolov5_face/yolov5_face_n_0_5_synthfaces.py
#   test    python tools/test.py configs/yolov5_face/yolov5_face_n_0_5_synthfaces.py CHECKPOINT
#   longer  add max_epochs=200
_base_ = [
    '../_base_/models/yolov5_face_n.py',
    '../_base_/datasets/synthfaces.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

width = 0.5
max_epochs = 50
warmup_epochs = 4
val_interval = 50
lr = 1e-2
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.99), fused=True))
# Channels last is slower on a CPU for the few channels of this backbone.
model = dict(data_preprocessor=dict(channels_last=False))
