# What data sets of aligned faces with an identity each share; the files that inherit name the form they are stored in.
data_root = 'data/faces'
# Identities of the data set: as many class centres has the head.
num_classes = 1000
# Long tails: leave out identities with fewer images. The others are numbered anew, so num_classes changes too.
min_images = 1
batch_size = 128
num_workers = 4

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=True,
    # Or P identities with K images each: dict(type='IdentityBalancedSampler', images_per_identity=4)
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        data_root=data_root,
        num_classes=num_classes,
        min_images=min_images,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackFaceInputs'),
        ],
    ),
)
