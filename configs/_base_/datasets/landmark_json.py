# Faces with landmarks in the COCO-like files that mmpose offers of each data set, read by mmpose's own classes. A model's
# config adds the pipelines; `dataset_type` knows the points and their mirror images.
dataset_type = 'WFLWDataset'
data_root = 'data/wflw'
train_ann_file = 'annotations/face_landmarks_wflw_train.json'
val_ann_file = 'annotations/face_landmarks_wflw_test.json'
image_folder = 'images/'
batch_size = 64
num_workers = 2

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode='topdown',
        ann_file=train_ann_file,
        data_prefix=dict(img=image_folder),
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode='topdown',
        ann_file=val_ann_file,
        data_prefix=dict(img=image_folder),
        test_mode=True,
    ),
)
test_dataloader = val_dataloader

# Errors by the data set's own normaliser. A subset's faces are those that its file lists; a model's config names the files.
subset_files = None
val_evaluator = dict(type='faceresearch.LandmarkMetric', subset_files=subset_files)
test_evaluator = val_evaluator
