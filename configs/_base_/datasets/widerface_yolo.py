# WIDER FACE with YOLO's augmentation: mosaics, random affine map, colour jitter, mirroring.
_base_ = './widerface.py'

# With landmarks where they are known: train_ann_file=train/label.txt
whole_landmarks = False
image_size = 640
batch_size = 16
mosaic_prob = 0.5
# From this epoch on no more mosaics; None: to the end.
mosaic_stop_epoch = None
shear = 0.0
# Test images: the long side to test_size, grey on both sides up to the next multiple of `rectangle` (0: to a square).
resize = 'letterbox'
test_size = 640
rectangle = 32

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadImage'),
            dict(type='SanitizeBoxes', clip=False),
            dict(type='Mosaic', prob=mosaic_prob, size=image_size, stop_epoch=mosaic_stop_epoch),
            dict(type='RandomAffine', size=image_size, translate=0.1, scale=0.5, shear=shear),
            dict(type='RandomHSV', hue=0.015, saturation=0.7, value=0.4),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='SanitizeBoxes'),
    dict(type='ResizeForTest', rule=resize, size=test_size, pad_value=114, centred=True, rectangle=rectangle),
    dict(type='PackFaceInputs'),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
