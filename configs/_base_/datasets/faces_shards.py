# Aligned faces in tar shards (KEY.jpg and KEY.cls), for tens of millions of images. Needs the extra `train`.
data_root = 'data/faces'
shards = '*.tar'
num_classes = 1000
# Images in all shards; None counts them, which takes a while.
num_images = None
# Images that each worker keeps to draw from: about 8 kB each.
shuffle = 5000
batch_size = 128
num_workers = 4

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    dataset=dict(
        type='WebFaceShards',
        data_root=data_root,
        shards=shards,
        num_classes=num_classes,
        num_images=num_images,
        shuffle=shuffle,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackFaceInputs'),
        ],
    ),
)
