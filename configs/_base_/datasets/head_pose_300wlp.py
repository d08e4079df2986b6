# 300W-LP to train, AFLW2000-3D or BIWI to test; crops with the margins of deep-head-pose and 6DRepNet.
data_root = 'data/300W_LP'
# A list of the images (files.txt), which spares reading all 122,450 files before training; '' reads them.
ann_file = ''
# 'aflw2000' or 'biwi'.
test_set = 'aflw2000'
aflw2000_root = 'data/AFLW2000'
biwi_root = 'data/biwi/hpdb'
# A list of boxes for BIWI; without, the box is projected from the head's annotated centre.
biwi_boxes = None
image_size = 224
batch_size = 80
num_workers = 4

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        type='PoseMatDataset',
        data_root=data_root,
        ann_file=ann_file,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='CropAroundPoints', margins=(0.6, 2.0, 0.6, 0.6), k=(0.2, 0.4)),
            dict(type='RandomResizedCrop', size=image_size, scale=(0.8, 1.0)),
            dict(type='FlipAttributes', rotations=['rotation']),
            dict(type='PackFaceInputs'),
        ],
    ),
)
margins = dict(
    aflw2000=dict(margins=(2.0, 2.0, 2.0, 0.6), k=(0.2, 0.2)), biwi=dict(margins=(0.6, 1.0, 0.6, 0.6), k=(0.35, 0.35))
)[test_set]
faces = dict(
    aflw2000=dict(type='PoseMatDataset', data_root=aflw2000_root),
    biwi=dict(type='BiwiDataset', data_root=biwi_root, boxes=biwi_boxes),
)[test_set]
val_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='CropAroundPoints', **margins),
            dict(type='CentreCrop', short=image_size * 8 // 7, size=image_size),
            dict(type='PackFaceInputs'),
        ],
        **faces,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='HeadPoseMetric')
test_evaluator = val_evaluator
