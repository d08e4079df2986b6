# WIDER FACE: RetinaFace's augmentation for training, the official protocol on the validation set.
data_root = 'data/widerface'
# Any public form. RetinaFace's label.txt adds landmarks to the boxes: train_ann_file=train/label.txt
train_ann_file = 'wider_face_split/wider_face_train.mat'
train_img_dir = 'WIDER_train/images'
# RetinaFace and SCRFD learn all points of a face or none.
whole_landmarks = True
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
        type='WiderFaceDataset',
        data_root=data_root,
        ann_file=train_ann_file,
        img_dir=train_img_dir,
        whole_landmarks=whole_landmarks,
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
        type='WiderFaceDataset',
        data_root=data_root,
        ann_file='wider_face_split/wider_face_val.mat',
        img_dir='WIDER_val/images',
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
val_evaluator = dict(type='WiderFaceMetric', ground_truth=f'{data_root}/ground_truth')
test_evaluator = val_evaluator
