# mmdet's schedule for YOLOv3: SGD, 273 epochs, learning rate divided by ten at 218 and 246, warm-up of 2000 steps.
max_epochs = 273
milestones = [218, 246]
warmup_steps = 2000
lr = 1e-3
val_interval = 7

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=lr, momentum=0.9, weight_decay=5e-4),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=warmup_steps),
    dict(type='MultiStepLR', by_epoch=True, milestones=milestones, gamma=0.1),
]
auto_scale_lr = dict(enable=True, base_batch_size=64)  # lr is for this many images a step, and is scaled to yours
