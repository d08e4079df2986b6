# DDAMFN's schedule: Adam at 1e-5, 0.98 of it in each further epoch. The authors wrap Adam in SAM and draw rare classes more
# often; this is plain Adam.
max_epochs = 200
lr = 1e-5
val_interval = 5

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=lr))
param_scheduler = [dict(type='ExponentialLR', gamma=0.98, by_epoch=True)]
auto_scale_lr = dict(enable=False, base_batch_size=256)
