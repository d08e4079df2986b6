# A short schedule for training from random weights: AdamW, warm-up, then a cosine to zero.
max_epochs = 20
warmup_epochs = 1
lr = 2e-3
weight_decay = 0.01
val_interval = 5

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=lr, weight_decay=weight_decay),
    clip_grad=dict(max_norm=10.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=True, begin=0, end=warmup_epochs, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=warmup_epochs,
        # A run may be as short as its warm-up.
        end=max(max_epochs, warmup_epochs + 1),
        T_max=max(max_epochs - warmup_epochs, 1),
        eta_min=lr * 0.01,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=16)
