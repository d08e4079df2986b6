# minivision's schedule: SGD, 25 epochs, learning rate divided by ten at 10, 15 and 22; 0.1 for batches of 1024.
max_epochs = 25
milestones = [10, 15, 22]
lr = 0.1
weight_decay = 5e-4
val_interval = 1

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=val_interval)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=lr, momentum=0.9, weight_decay=weight_decay))
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=milestones, gamma=0.1)]
auto_scale_lr = dict(enable=False, base_batch_size=1024)
