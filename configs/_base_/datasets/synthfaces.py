# SynthFaces: rendered scenes, nothing to download. Training crops and distorts them as RetinaFace does photographs.
seed = 0
image_size = 256
scene_size = (320, 320)
train_scenes = 400
val_scenes = 200
# A tenth of the scenes are new in each epoch: as many as a loader worker renders while the network trains.
scene_epochs = 10
# Of the scene's side: faces are seen 0.8 to 1.3 times as large as they were rendered.
crop_scales = (0.6, 0.8, 1.0)
batch_size = 8
num_workers = 1
# Of scenes, and of photographs with --benchmark: 'original' size, or 'letterbox' to test_size.
resize = 'original'
test_size = 640
renderer_version = '1.0'

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    # Scenes to render come in bursts.
    prefetch_factor=8,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        type='SynthFacesDataset',
        num_scenes=train_scenes,
        size=scene_size,
        split='train',
        seed=seed,
        scene_epochs=scene_epochs,
        cache_mib=2048,
        renderer_version=renderer_version,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomSquareCrop', scales=crop_scales, train_size=image_size),
            dict(type='ColorDistortion'),
            dict(type='PadToSquare', fill=(104, 117, 123)),
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomInterpolationResize', size=image_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=8,
    # Training rests while these scenes are rendered.
    num_workers=2 * num_workers,
    persistent_workers=num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SynthFacesDataset',
        num_scenes=val_scenes,
        size=scene_size,
        split='val',
        seed=seed,
        cache_mib=512,
        renderer_version=renderer_version,
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='ResizeForTest', rule=resize, size=test_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='SynthFacesMetric')
test_evaluator = val_evaluator
