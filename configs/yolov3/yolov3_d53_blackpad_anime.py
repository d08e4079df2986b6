# YOLOv3, anime faces, padded as hysts/anime-face-detector does, for its weights: to a multiple of 32, with black.
#   test    python tools/test.py configs/yolov3/yolov3_d53_blackpad_anime.py CHECKPOINT
_base_ = './yolov3_d53_anime.py'

test_pipeline = [
    dict(type='LoadImageFromFile', backend_args=None),
    dict(type='Resize', scale=(_base_.image_size, _base_.image_size), keep_ratio=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
