# Images of one face each, resized whole; the files that inherit name the data set.
data_root = 'data/faces'
image_size = 224
# How test images get that size: 'stretch', or 'letterbox' in black.
fit = 'stretch'
# Colour, crops and turns of training images.
jitter = 0.4
crop_area = (0.7, 1.0)
degrees = 10.0
batch_size = 64
num_workers = 4

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        data_root=data_root,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomResizedCrop', size=image_size, scale=crop_area, ratio=(0.9, 1.1)),
            dict(type='RandomRotate', degrees=degrees),
            dict(type='RandomColorJitter', prob=0.8, brightness=jitter, contrast=jitter, saturation=jitter),
            dict(type='FlipAttributes'),
            dict(type='PackFaceInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        data_root=data_root,
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='CropFaceScales', scales=[None], size=image_size, fit=fit),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_dataloader = val_dataloader
