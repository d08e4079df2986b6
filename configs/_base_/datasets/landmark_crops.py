# Crops for landmark models: what training and tests do with a face, whichever data set it is of. A data set's file
# inherits this one and adds the sets.
image_size = 112
# Side of the crop as a multiple of the box's longer side.
padding = 1.25
batch_size = 64
num_workers = 4

train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='CropFace',
        size=image_size,
        padding=padding,
        rotation=30,
        rotation_prob=0.6,
        scale=(0.85, 1.2),
        shift=0.06,
        flip_prob=0.5,
    ),
    dict(type='ColorDistortion'),
    dict(type='PackFaceInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='CropFace', size=image_size, padding=padding),
    dict(type='PackFaceInputs'),
]
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=False),
)
test_dataloader = dict(
    batch_size=batch_size, num_workers=num_workers, sampler=dict(type='DefaultSampler', shuffle=False)
)
# Divided by the scheme's usual length: normalizer='interpupil' and others are there too.
val_evaluator = dict(type='LandmarkMetric')
test_evaluator = val_evaluator

contract = dict(
    size=(image_size, image_size),
    alignment=f'square around the face box, its side {padding} times the longer side of the box',
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on landmarks of faces',
)
