# CelebAMask-HQ as downloaded, CelebA's split, BiSeNet's augmentation. Tests see 512 px and are judged at the masks' 512 px.
_base_ = './parsing.py'

data_root = 'data/CelebAMask-HQ'
# The originals train on all 30,000 images: train_split=all
train_split = 'train'
val_split = 'val'
test_split = 'test'
# Which number is which class: 'bisenet' or 'celebamask' (the official one).
class_order = 'bisenet'
image_size = 448
test_size = 512

train_dataloader = dict(
    dataset=dict(
        type='CelebAMaskHQDataset',
        data_root=data_root,
        split=train_split,
        class_order=class_order,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='LoadFaceMask', fit='image'),
            dict(type='RandomColorJitter', prob=1.0, brightness=0.5, contrast=0.5, saturation=0.5),
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomScale', factors=(0.75, 1.0, 1.25, 1.5, 1.75, 2.0)),
            dict(type='RandomCrop', size=image_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='CelebAMaskHQDataset',
        data_root=data_root,
        split=val_split,
        class_order=class_order,
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='LoadFaceMask', fit='image'),
            dict(type='ResizeForTest', rule='stretch', size=test_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_dataloader = dict(
    dataset={**val_dataloader['dataset'], 'split': test_split},
)
