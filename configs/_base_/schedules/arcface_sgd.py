# arcface_torch's schedule: SGD, 20 epochs, the learning rate falls on a line to zero, step by step.
# MS1MV2, MS1MV3, WebFace, Glint360K on 8 GPUs: as it stands (mbf: weight_decay=1e-4, on MS1M max_epochs=40;
# Glint360K: weight_decay=1e-4). WebFace42M, batch -> lr, warmup_epochs: 2048 -> 0.2, 2; 4096 -> 0.3, 1 or 0.4, 2;
# 8192 -> 0.6, 4.
max_epochs = 20
warmup_epochs = 0
lr = 0.1
weight_decay = 5e-4
val_interval = 1

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=lr, momentum=0.9, weight_decay=weight_decay),
    # class_centres: of models with a MarginHead.
    clip_grad=dict(max_norm=5.0, class_centres=False),
)
param_scheduler = (
    [dict(type='LinearLR', start_factor=1e-3, by_epoch=True, begin=0, end=warmup_epochs, convert_to_iter_based=True)]
    if warmup_epochs
    else []
) + [
    dict(
        type='PolyLR',
        power=1.0,
        eta_min=0.0,
        by_epoch=True,
        begin=warmup_epochs,
        # A run may be as short as its warm-up.
        end=max(max_epochs, warmup_epochs + 1),
        convert_to_iter_based=True,
    )
]
auto_scale_lr = dict(enable=False, base_batch_size=1024)
