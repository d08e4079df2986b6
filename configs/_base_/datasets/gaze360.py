# Gaze360 as GazeHub prepares it: Image/ and Label/{train,val,test}.label.
data_root = 'data/gaze360'
image_size = 448
# Half of what is seen in training is mirrored, and its yaw with it. The origins do not augment.
flip = 0.5
# Largest angle to either side that is tested: 90 is the front half (the published figures), 20 the front face.
test_range = 90.0
batch_size = 64
num_workers = 4

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        type='Gaze360Dataset',
        data_root=data_root,
        ann_file='Label/train.label',
        max_angle=180.0,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='CropFaceScales', scales=[None], size=image_size),
            dict(type='FlipAttributes', negate=['yaw'], prob=flip),
            dict(type='PackFaceInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='Gaze360Dataset',
        data_root=data_root,
        ann_file='Label/val.label',
        max_angle=test_range,
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='CropFaceScales', scales=[None], size=image_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='Gaze360Dataset',
        data_root=data_root,
        ann_file='Label/test.label',
        max_angle=test_range,
        test_mode=True,
        pipeline=val_dataloader['dataset']['pipeline'],
    ),
)
val_evaluator = dict(type='GazeMetric')
test_evaluator = val_evaluator
