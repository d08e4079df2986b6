# Faster R-CNN, ResNet-50 FPN, anime faces, 1333 x 800; data in COCO form (../_base_/datasets/anime_faces.py).
#   train   python tools/train.py configs/faster_rcnn/faster_rcnn_r50_anime.py pretrained=torchvision://resnet50
#   test    python tools/test.py configs/faster_rcnn/faster_rcnn_r50_anime.py CHECKPOINT
_base_ = [
    '../_base_/models/faster_rcnn_r50.py',
    '../_base_/datasets/anime_faces.py',
    '../_base_/schedules/faster_rcnn.py',
    '../_base_/default_runtime.py',
]
default_scope = 'mmdet'

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
