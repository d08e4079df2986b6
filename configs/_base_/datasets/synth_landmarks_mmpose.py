# SynthFaces: rendered faces with exact points, as in synth_landmarks.py, for models that bring mmpose's pipelines. They are
# rendered once, by all cores.
cache_dir = 'data/synth_landmarks'
# 'anime28', '300w68', 'lapa106' or 'insightface106'.
scheme = 'anime28'
train_samples = 2000
val_samples = 300
render_size = 192
headshot_version = '1.0'
batch_size = 8
num_workers = 0

faces = dict(
    type='faceresearch.SynthLandmarkDataset',
    scheme=scheme,
    size=render_size,
    cache_dir=cache_dir,
    version=headshot_version,
)
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(num_samples=train_samples, split='train', **faces),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=num_workers,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(num_samples=val_samples, split='val', test_mode=True, **faces),
)
test_dataloader = val_dataloader

# Errors over the square root of the face box's area.
val_evaluator = dict(type='faceresearch.LandmarkMetric', normalizer='box', scheme=scheme)
test_evaluator = val_evaluator
