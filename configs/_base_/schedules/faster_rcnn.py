# mmdet's 1x schedule: SGD, 12 epochs, learning rate divided by ten at 8 and 11, warm-up of 500 steps.
max_epochs = 12
milestones = [8, 11]
warmup_steps = 500
lr = 0.02
val_interval = 1

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=lr, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=warmup_steps),
    dict(type='MultiStepLR', by_epoch=True, milestones=milestones, gamma=0.1),
]
auto_scale_lr = dict(enable=True, base_batch_size=16)  # lr is for this many images a step, and is scaled to yours
