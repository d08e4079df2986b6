# Anime faces with 28 points in COCO form: <data_root>/annotations/{train,val}.json and <data_root>/images.
# Each annotation has `bbox` (x, y, w, h) and `keypoints` (28 times x, y, visible). A model's config adds the pipelines.
data_root = 'data/anime'
train_ann_file = 'annotations/train.json'
val_ann_file = 'annotations/val.json'
batch_size = 32
num_workers = 2

# Index of each point's mirror image.
flip_indices = [
    4, 3, 2, 1, 0,  # contour, 2 is the chin
    10, 9, 8, 7, 6, 5,  # brows
    19, 18, 17,  # 11-13: upper lid of the eye on the image's left
    22, 21, 20,  # 14-16: its lower lid
    13, 12, 11,  # 17-19: upper lid of the eye on the image's right
    16, 15, 14,  # 20-22: its lower lid
    23,  # nose
    26, 25, 24,  # 24 and 26 are the corners of the mouth, 25 its upper edge
    27,  # lower edge of the mouth
]  # fmt: skip
dataset_info = dict(
    dataset_name='anime_face',
    keypoint_info={
        point: dict(
            name=f'kpt-{point}',
            id=point,
            color=[255, 255, 255],
            swap=f'kpt-{mirror}' if mirror != point else '',
        )
        for point, mirror in enumerate(flip_indices)
    },
    skeleton_info={},
    joint_weights=[1.0] * 28,
    sigmas=[0.025] * 28,
    flip_indices=flip_indices,
)

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='BaseCocoStyleDataset',
        data_root=data_root,
        data_mode='topdown',
        ann_file=train_ann_file,
        data_prefix=dict(img='images/'),
        metainfo=dataset_info,
    ),
)
val_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='BaseCocoStyleDataset',
        data_root=data_root,
        data_mode='topdown',
        ann_file=val_ann_file,
        data_prefix=dict(img='images/'),
        metainfo=dataset_info,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader

# NME by the distance of the outer corners of the eyes; PCK@0.1 by the longer side of the face box.
val_evaluator = dict(type='faceresearch.LandmarkMetric', scheme='anime28')
test_evaluator = val_evaluator
