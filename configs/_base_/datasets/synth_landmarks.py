# SynthFaces: rendered faces with exact points, nothing to download. They are rendered once (110 kB each), by all cores.
_base_ = './landmark_crops.py'

cache_dir = 'data/synth_landmarks'
# 'anime28', '300w68', 'lapa106' or 'insightface106'.
scheme = '300w68'
train_samples = 4000
val_samples = 400
# Side of the pictures; a face's box is about half as high.
render_size = 192
# 'given', the facial region with its forehead, or 'points', the box around all points.
box = 'given'
headshot_version = '1.0'

faces = dict(
    type='SynthLandmarkDataset', scheme=scheme, box=box, size=render_size, cache_dir=cache_dir, version=headshot_version
)
train_dataloader = dict(dataset=dict(num_samples=train_samples, split='train', pipeline=_base_.train_pipeline, **faces))
val_dataloader = dict(
    dataset=dict(num_samples=val_samples, split='val', test_mode=True, pipeline=_base_.test_pipeline, **faces)
)
test_dataloader = dict(dataset=val_dataloader['dataset'])
