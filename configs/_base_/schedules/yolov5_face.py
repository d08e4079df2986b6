# YOLOv5-Face's schedule: SGD with Nesterov momentum, warm-up, a cosine to a fifth of the rate, averaged weights.
# Averaging is a hook, so the runtime's settings are part of this schedule.
_base_ = '../default_runtime.py'

max_epochs = 250
warmup_epochs = 3
lr = 1e-2
val_interval = 10
# Four batches of 16 images make a step.
accumulate = 4
# The original adds their gradients, mmengine averages them: the rate makes up for it. So that the decay per step stays,
# its factor is that much smaller.
step_lr = lr * accumulate

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=step_lr, momentum=0.937, nesterov=True, weight_decay=5e-4 / accumulate),
    # Neither biases nor batch norm are decayed.
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
    accumulative_counts=accumulate,
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=True, begin=0, end=warmup_epochs, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=warmup_epochs,
        end=max(max_epochs, warmup_epochs + 1),
        T_max=max(max_epochs - warmup_epochs, 1),
        eta_min=step_lr * 0.2,
    ),
]
custom_hooks = [
    dict(
        type='EMAHook',
        ema_type='ExpMomentumEMA',
        momentum=1e-4,
        gamma=2000 * accumulate,
        interval=accumulate,
        update_buffers=True,
        priority='ABOVE_NORMAL',
    )
]
# No auto_scale_lr: the losses grow with the batch already.
