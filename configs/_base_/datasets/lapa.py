# LaPa as downloaded: 11 classes, images of any size, judged at their own. Squeezed to a square.
data_root = 'data/LaPa'
class_order = 'lapa'
image_size = 448
test_size = 512
batch_size = 8
num_workers = 4

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
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
    batch_size=8,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=False),
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
    batch_size=8,
    num_workers=num_workers,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset={**val_dataloader['dataset'], 'split': 'test'},
)
val_evaluator = dict(type='ParsingMetric')
test_evaluator = val_evaluator

contract = dict(
    size='any (height, width)',
    alignment='none: faces in the middle of images of any size',
    # Its class names are the labels.
    class_order=class_order,
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on face parsing',
)
