# Your own faces in COCO's form: boxes, and five key points where you have them. RetinaFace's augmentation.
# tools/convert_dataset.py makes the two files from other forms; docs/data.md tells what is in them.
data_root = 'data/faces'
train_ann_file = 'annotations/train.json'
train_img_dir = 'images'
val_ann_file = 'annotations/val.json'
val_img_dir = 'images'
# Names of the categories that are faces; None: 'face', or the only one in the file.
categories = None
image_size = 640
batch_size = 32
num_workers = 4
# Test images: 'original' size, or 'short_side' (1600, at most 2150), or 'letterbox' to test_size.
resize = 'original'
test_size = 640

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        type='CocoFaceDataset',
        data_root=data_root,
        ann_file=train_ann_file,
        img_dir=train_img_dir,
        categories=categories,
        # RetinaFace learns all points of a face or none.
        whole_landmarks=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='SanitizeBoxes', clip=False),
            dict(type='RandomSquareCrop', scales=(0.3, 0.45, 0.6, 0.8, 1.0), min_size=0.0, train_size=image_size),
            dict(type='ColorDistortion'),
            dict(type='PadToSquare', fill=(104, 117, 123)),
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomInterpolationResize', size=image_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CocoFaceDataset',
        data_root=data_root,
        ann_file=val_ann_file,
        img_dir=val_img_dir,
        categories=categories,
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='SanitizeBoxes'),
            dict(type='ResizeForTest', rule=resize, size=test_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='FaceCocoMetric'), dict(type='MatchedLandmarkNME')]
test_evaluator = val_evaluator
