# zllrunning/face-parsing.PyTorch's schedule: 80,000 iterations of SGD in batches of 32 (16 on each of two GPUs). The rate
# rises as a power for 1,000 iterations, from 1e-5 to 1e-2, and falls as a polynomial. Feature fusion and outputs learn ten
# times as fast. Neither batch norm nor biases are decayed.
# Counted in iterations, so the runtime's settings are part of this schedule.
_base_ = '../default_runtime.py'

max_iters = 80_000
warmup_iters = 1000
warmup_start = 1e-5
lr = 1e-2
fast = 10
weight_decay = 5e-4
val_interval = 10_000

train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    # Where the warm-up starts.
    optimizer=dict(type='SGD', lr=warmup_start, momentum=0.9, weight_decay=weight_decay),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        # A key overrides the two lines above, so the batch norms inside have keys of their own.
        custom_keys={
            'neck.fusion': dict(lr_mult=fast),
            'neck.fusion.block.1': dict(lr_mult=fast, decay_mult=0.0),
            'head': dict(lr_mult=fast),
            'head.main.block.1': dict(lr_mult=fast, decay_mult=0.0),
            'head.aux.0.block.1': dict(lr_mult=fast, decay_mult=0.0),
            'head.aux.1.block.1': dict(lr_mult=fast, decay_mult=0.0),
        },
    ),
)
param_scheduler = [
    dict(type='ExponentialLR', gamma=(lr / warmup_start) ** (1 / warmup_iters), by_epoch=False, end=warmup_iters + 1),
    dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False, begin=warmup_iters, end=max_iters + 1),
]
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=val_interval))
auto_scale_lr = dict(enable=False, base_batch_size=32)
