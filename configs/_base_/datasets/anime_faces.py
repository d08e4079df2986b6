# Boxes of anime faces in COCO form: <data_root>/annotations/{train,val}.json and <data_root>/images.
# A model's config adds the pipelines.
data_root = 'data/anime'
train_ann_file = 'annotations/train.json'
val_ann_file = 'annotations/val.json'
classes = ('face',)  # the category's name in the annotations: images without it count as empty
batch_size = 8
num_workers = 2

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='CocoDataset',
        data_root=data_root,
        ann_file=train_ann_file,
        data_prefix=dict(img='images/'),
        metainfo=dict(classes=classes),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CocoDataset',
        data_root=data_root,
        ann_file=val_ann_file,
        data_prefix=dict(img='images/'),
        metainfo=dict(classes=classes),
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(
    type='faceresearch.ForeignMetric',
    metric=dict(type='CocoMetric', ann_file=f'{data_root}/{val_ann_file}', metric='bbox'),
    keys={
        'coco/bbox_mAP': 'coco/bbox_map',
        'coco/bbox_mAP_50': 'coco/bbox_map_50',
        'coco/bbox_mAP_75': 'coco/bbox_map_75',
    },
)
test_evaluator = val_evaluator
