# AdaFace's schedule: SGD, 26 epochs, learning rate divided by ten at 12, 20 and 24; batch norm is not decayed
# (decay_of_norms=1.0 decays it too). Others' epochs and milestones, with the same rate, decay and batch of 512:
# CurricularFace 24, [10, 18, 22]; MagFace 25, [10, 18, 22]; ElasticFace 26, [8, 14, 20, 25].
max_epochs = 26
milestones = [12, 20, 24]
lr = 0.1
weight_decay = 5e-4
decay_of_norms = 0.0
val_interval = 1

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=lr, momentum=0.9, weight_decay=weight_decay),
    paramwise_cfg=dict(norm_decay_mult=decay_of_norms),
)
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=milestones, gamma=0.1)]
auto_scale_lr = dict(enable=False, base_batch_size=512)
