# A folder of images for each class; the face is the whole image. Split by the checksum of the file's name.
data_root = 'data/liveness'
# Which folder is which class, where its name is no class of the model's order: dict(fake='print').
folders = dict()
spoof_labels = 'minivision/spoof'
image_size = 80
# Crop factors of the face's box; 'shift' or 'truncate' at the image's border.
scales = [2.7]
border = 'shift'
# Whose spectrum the Fourier branch learns: 'augmented', what the network sees, or 'original', as minivision has it.
fourier_of = 'augmented'
batch_size = 32
num_workers = 2

crop = [dict(type='LoadImage'), dict(type='CropFaceScales', scales=scales, size=image_size, border=border)]
fourier = [dict(type='FourierTarget', size=image_size // 8)]
augment = [
    dict(type='RandomResizedCrop', size=image_size, scale=(0.9, 1.1)),
    dict(type='RandomColorJitter', prob=1.0, brightness=0.4, contrast=0.4, saturation=0.4),
    dict(type='RandomRotate', degrees=10.0),
    dict(type='FlipAttributes'),
]
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
    dataset=dict(
        type='ClassFolderDataset',
        data_root=data_root,
        attribute='spoof',
        labels=spoof_labels,
        folders=folders,
        part='train',
        pipeline=(
            [*crop, *fourier, *augment, dict(type='PackFaceInputs')]
            if fourier_of == 'original'
            else [*crop, *augment, *fourier, dict(type='PackFaceInputs')]
        ),
    ),
)
val_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ClassFolderDataset',
        data_root=data_root,
        attribute='spoof',
        labels=spoof_labels,
        folders=folders,
        part='val',
        test_mode=True,
        pipeline=[*crop, dict(type='PackFaceInputs')],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='SpoofMetric', labels=spoof_labels)
test_evaluator = val_evaluator
