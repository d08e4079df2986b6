# SCRFD's schedule: SGD, 640 epochs, learning rate divided by ten at 440 and 544, 1,500 iterations of warm-up.
max_epochs = 640
milestones = [440, 544]
lr = 0.01
warmup_iters = 1500
val_interval = 20

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=lr, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=warmup_iters),
    dict(type='MultiStepLR', by_epoch=True, milestones=milestones, gamma=0.1),
]
# Four processes with eight images each.
auto_scale_lr = dict(enable=False, base_batch_size=32)
