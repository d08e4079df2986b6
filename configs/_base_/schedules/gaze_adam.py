# Adam with warm-up and a cosine; the origins train 100 to 200 epochs at a constant 1e-5 (schedule='constant').
max_epochs = 100
warmup_epochs = 2
lr = 1e-4
val_interval = 5
schedule = 'cosine'

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=lr))
param_scheduler = (
    []
    if schedule == 'constant'
    else [
        dict(type='LinearLR', start_factor=0.05, begin=0, end=warmup_epochs, by_epoch=True, convert_to_iter_based=True),
        dict(
            type='CosineAnnealingLR',
            begin=warmup_epochs,
            end=max(max_epochs, warmup_epochs + 1),
            T_max=max(max_epochs - warmup_epochs, 1),
            eta_min=lr * 0.01,
            by_epoch=True,
            convert_to_iter_based=True,
        ),
    ]
)
auto_scale_lr = dict(enable=False, base_batch_size=64)
