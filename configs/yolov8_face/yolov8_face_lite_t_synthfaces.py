# YOLOv8-Face lite-t, SynthFaces (rendered while training): from nothing to a face detector on two cores.
#   train   python tools/train.py configs/yolov8_face/yolov8_face_lite_t_synthfaces.py
#   test    python tools/test.py configs/yolov8_face/yolov8_face_lite_t_synthfaces.py CHECKPOINT
#   longer  add max_epochs=200
_base_ = [
    '../_base_/models/yolov8_face_lite_s.py',
    '../_base_/datasets/synthfaces.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

channels = (16, 48, 96, 192)
blocks = (2, 5, 2)
neck_channels = 48
max_epochs = 42
warmup_epochs = 4
val_interval = 42
lr = 8e-3
# Losses are multiplied by the batch size, so gradients are large: the base's limit of 10 would cut every step.
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.99), fused=True), clip_grad=dict(max_norm=200.0))
# Scenes are tested as they are, so that batches are of one size.
model = dict(head=dict(max_per_img=300))
