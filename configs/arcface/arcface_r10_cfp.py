# ArcFace, iResNet-10, from random weights on 160 people of CFP: what few photographs teach about other people.
#   data    python tools/align_faces.py CONFIG CHECKPOINT data/cfp/Data/Images -o data/cfp/aligned --pad 0.25,0.5,0 --keep-missing
#   train   python tools/train.py configs/arcface/arcface_r10_cfp.py
#   test    python tools/test.py configs/arcface/arcface_r10_cfp.py CHECKPOINT --benchmark pairs data_root=… ann_file=…
_base_ = [
    '../_base_/models/iresnet10_small.py',
    '../_base_/datasets/faces_folder.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]
data_root = 'data/cfp/aligned'
identities = [f'{number:03d}' for number in range(1, 161)]
num_classes = len(identities)
batch_size = 64
num_workers = 0
max_epochs = 40
warmup_epochs = 2
lr = 6e-3
weight_decay = 0.1
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomSimilarity', size=112, angle=10.0, scale=(0.88, 1.12), shift=0.06, prob=0.8),
    dict(type='RandomCropOnBlack', prob=0.3, scale=(0.4, 1.0)),
    dict(type='RandomLowResolution', prob=0.2),
    dict(type='RandomColorJitter', prob=0.5),
    dict(type='PackFaceInputs'),
]
train_dataloader = dict(dataset=dict(identities=identities, pipeline=train_pipeline))
model = dict(head=dict(type='MarginHead', num_classes=num_classes, margin=dict(type='ArcFace', margin=0.2, scale=16.0)))
