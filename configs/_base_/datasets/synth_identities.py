# SynthFaces identities: aligned 112 x 112 faces of rendered people, nothing to download. Judged on pairs of other people.
seed = 0
train_identities = 600
images_per_identity = 10
# As many class centres has the head.
num_classes = train_identities
val_identities = 200
val_images_per_identity = 5
val_pairs = 2000
# Faces are rendered before the first epoch, once for all trainings (38 kB each), by all cores. None: again in each epoch.
cache_dir = 'data/synth_identities'
portrait_version = '1.0'
image_size = 112
batch_size = 128
num_workers = 1
key_prefix = 'synth_pairs'

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        type='SynthIdentityDataset',
        num_identities=train_identities,
        images_per_identity=images_per_identity,
        split='train',
        size=image_size,
        seed=seed,
        cache_dir=cache_dir,
        portrait_version=portrait_version,
        num_classes=num_classes,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackFaceInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SynthPairsDataset',
        num_pairs=val_pairs,
        num_identities=val_identities,
        images_per_identity=val_images_per_identity,
        size=image_size,
        seed=seed,
        cache_dir=cache_dir,
        portrait_version=portrait_version,
        test_mode=True,
        pipeline=[dict(type='LoadImage'), dict(type='PackFaceInputs')],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='VerificationMetric', prefix=key_prefix)
test_evaluator = val_evaluator
