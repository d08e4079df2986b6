# mmpose's schedule for HRNet on faces: Adam, 60 epochs, learning rate divided by ten at 40 and 55, 500 warm-up steps.
max_epochs = 60
milestones = [40, 55]
warmup_steps = 500
lr = 2e-3
val_interval = 1

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=lr))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=warmup_steps),
    dict(type='MultiStepLR', by_epoch=True, milestones=milestones, gamma=0.1),
]
auto_scale_lr = dict(enable=True, base_batch_size=512)  # lr is for this many images a step, and is scaled to yours
