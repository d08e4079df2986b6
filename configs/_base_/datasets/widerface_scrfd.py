# WIDER FACE with SCRFD's augmentation: squares from 0.3 to 2 times the short side.
_base_ = './widerface.py'

# With landmarks where they are known: train_ann_file=train/labelv2.txt, or RetinaFace's train/label.txt
image_size = 640
batch_size = 32
crop_scales = (0.3, 0.45, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0)
# 2.5G and 10G leave what reaches beyond the crop as it is.
clip_boxes = True
# 'letterbox' to test_size is the published protocol, there with mean grey: pad_value=127. insightface's tools pad with 0.
resize = 'letterbox'
test_size = 640
pad_value = 0

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadImage'),
            dict(type='SanitizeBoxes', clip=False),
            dict(
                type='RandomSquareCrop',
                scales=crop_scales,
                accept='centre',
                fill=128,
                max_tries=2500,
                tries_per_scale=250,
                clip=clip_boxes,
                train_size=image_size,
            ),
            dict(type='PadToSquare', fill=(128, 128, 128)),
            dict(type='RandomInterpolationResize', size=image_size, methods=('linear',)),
            dict(type='RandomFlip', prob=0.5),
            dict(type='ColorDistortion'),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='SanitizeBoxes'),
    dict(type='ResizeForTest', rule=resize, size=test_size, pad_value=pad_value),
    dict(type='PackFaceInputs'),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
