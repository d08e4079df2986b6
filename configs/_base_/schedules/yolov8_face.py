# YOLOv8-Face's schedule: YOLOv5-Face's, with a line down to a hundredth of the rate and clipped gradients.
_base_ = './yolov5_face.py'

max_epochs = 300
warmup_epochs = 3
# The YOLO family's nominal batch of 64, which YOLOv8-Face does not state itself.
accumulate = 4

# Losses are multiplied by the number of images: gradients are large. 10 for the sum of a step's gradients.
optim_wrapper = dict(clip_grad=dict(max_norm=10.0 / accumulate))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=True, begin=0, end=warmup_epochs, convert_to_iter_based=True),
    dict(
        type='LinearLR',
        start_factor=1.0,
        end_factor=0.01,
        by_epoch=True,
        begin=warmup_epochs,
        end=max(max_epochs, warmup_epochs + 1),
    ),
]
