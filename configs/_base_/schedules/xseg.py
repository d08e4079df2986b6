# DeepFaceLab's optimiser for XSeg: RMSprop at 1e-4 in batches of 4, without an end; here 40 epochs, the last 10 at half the rate.
# Its random dropping of gradients (lr_dropout 0.3) is not here.
max_epochs = 40
milestones = [30]
lr = 1e-4
val_interval = 5

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='RMSprop', lr=lr, alpha=0.9))
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=milestones, gamma=0.5)]
auto_scale_lr = dict(enable=False, base_batch_size=4)
