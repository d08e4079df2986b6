# Images and masks of the same names in two folders. Training turns, scales, mirrors and recolours them.
_base_ = './parsing.py'

data_root = 'data/celebamask_mini'
img_dir = 'images'
mask_dir = 'masks'
# Which images by name, as a number or a list; None: all.
train_indices = None
test_indices = None
# Of the files, and of the network: 'celebamask' (the official one), 'bisenet', 'lapa' or 'face'.
mask_order = 'celebamask'
class_order = 'bisenet'
image_size = 128
test_size = image_size
# How far training turns (degrees), scales and shifts (fraction of the sides) an image.
angle = 15.0
scale = (0.75, 1.33)
shift = 0.08
num_workers = 1

train_dataloader = dict(
    dataset=dict(
        type='ParsingDataset',
        data_root=data_root,
        img_dir=img_dir,
        mask_dir=mask_dir,
        mask_order=mask_order,
        class_order=class_order,
        indices=train_indices,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='LoadFaceMask'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomSimilarity', size=image_size, angle=angle, scale=scale, shift=shift),
            dict(type='RandomColorJitter', prob=0.8, brightness=0.4, contrast=0.4, saturation=0.4),
            dict(type='PackFaceInputs'),
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='ParsingDataset',
        data_root=data_root,
        img_dir=img_dir,
        mask_dir=mask_dir,
        mask_order=mask_order,
        class_order=class_order,
        indices=test_indices,
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='LoadFaceMask'),
            dict(type='ResizeForTest', rule='stretch', size=test_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_dataloader = val_dataloader
