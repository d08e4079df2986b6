# LaPa as downloaded: 11 classes, images of any size, judged at their own. Squeezed to a square.
_base_ = './parsing.py'

data_root = 'data/LaPa'
class_order = 'lapa'
image_size = 448
test_size = 512

train_dataloader = dict(
    dataset=dict(
        type='LaPaDataset',
        data_root=data_root,
        split='train',
        class_order=class_order,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='LoadFaceMask'),
            dict(type='RandomColorJitter', prob=1.0, brightness=0.5, contrast=0.5, saturation=0.5),
            dict(type='RandomFlip', prob=0.5),
            # Images have many sizes and proportions: all are brought to one, then scaled, turned and shifted.
            dict(type='RandomSimilarity', size=image_size, angle=20.0, scale=(0.75, 1.5), shift=0.1),
            dict(type='PackFaceInputs'),
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='LaPaDataset',
        data_root=data_root,
        split='val',
        class_order=class_order,
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='LoadFaceMask'),
            dict(type='ResizeForTest', rule='stretch', size=test_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_dataloader = dict(
    dataset={**val_dataloader['dataset'], 'split': 'test'},
)

contract = dict(alignment='none: faces in the middle of images of any size')
