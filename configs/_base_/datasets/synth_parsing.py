# SynthFaces: rendered heads with exact masks of 19 classes, nothing to download. They are rendered once, into a cache.
_base_ = './parsing.py'

cache_dir = 'data/synth_parsing'
class_order = 'bisenet'
train_samples = 4000
val_samples = 200
render_size = 192
image_size = 128
test_size = image_size
# How far training turns (degrees), scales and shifts (fraction of the sides) an image.
angle = 15.0
scale = (0.75, 1.33)
shift = 0.08
num_workers = 1

train_dataloader = dict(
    dataset=dict(
        type='SynthParsingDataset',
        num_samples=train_samples,
        split='train',
        size=render_size,
        cache_dir=cache_dir,
        class_order=class_order,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomSimilarity', size=image_size, angle=angle, scale=scale, shift=shift),
            dict(type='RandomColorJitter', prob=0.8, brightness=0.4, contrast=0.4, saturation=0.4),
            dict(type='PackFaceInputs'),
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='SynthParsingDataset',
        num_samples=val_samples,
        split='val',
        size=render_size,
        cache_dir=cache_dir,
        class_order=class_order,
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='ResizeForTest', rule='stretch', size=test_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_dataloader = val_dataloader
