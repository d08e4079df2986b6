# YOLOv3, Darknet-53, anime faces, 608 px; data in COCO form under data/anime (../_base_/datasets/anime_faces.py).
#   train   python tools/train.py configs/yolov3/yolov3_d53_anime.py pretrained=open-mmlab://darknet53
#   test    python tools/test.py configs/yolov3/yolov3_d53_anime.py CHECKPOINT [image_size=416]
_base_ = [
    '../_base_/models/yolov3_d53.py',
    '../_base_/datasets/anime_faces.py',
    '../_base_/schedules/yolov3.py',
    '../_base_/default_runtime.py',
]
default_scope = 'mmdet'

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
