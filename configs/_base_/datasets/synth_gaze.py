# SynthFaces: rendered faces whose gaze is known, nothing to download. They are rendered once, into a cache, by all cores.
cache_dir = 'data/synth_attributes'
train_samples = 8000
val_samples = 600
render_size = 128
headshot_version = '1.0'
image_size = (64, 160)
# The eyes: a strip of the face's box (left, top, right, bottom as shares of it), stretched to that size. On the whole face
# at 112 px a small network learned the pose of the head and little more.
part = (-0.05, 0.17, 1.05, 0.62)
batch_size = 64
num_workers = 1

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        type='SynthAttributeDataset',
        num_samples=train_samples,
        split='train',
        size=render_size,
        cache_dir=cache_dir,
        version=headshot_version,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='CropFacePart', part=part, size=image_size, shift=0.05, scale=(0.93, 1.07)),
            dict(type='FlipAttributes', negate=['yaw']),
            dict(type='PackFaceInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=100,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SynthAttributeDataset',
        num_samples=val_samples,
        split='val',
        size=render_size,
        cache_dir=cache_dir,
        version=headshot_version,
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='CropFacePart', part=part, size=image_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='GazeMetric')
test_evaluator = val_evaluator
