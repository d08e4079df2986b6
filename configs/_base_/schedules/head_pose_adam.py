# Adam, halved after 10 and 20 of 30 epochs.
max_epochs = 30
lr = 1e-4
val_interval = 1

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=lr))
param_scheduler = [
    dict(type='MultiStepLR', milestones=[max_epochs // 3, 2 * max_epochs // 3], gamma=0.5, begin=0, end=max_epochs)
]
auto_scale_lr = dict(enable=False, base_batch_size=80)
