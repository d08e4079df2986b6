# HRNetV2-W18, 28 points of anime faces, 256 px; data in COCO form under data/anime (../_base_/datasets/anime28.py).
#   train   python tools/train.py configs/hrnetv2/hrnetv2_w18_anime28.py pretrained=open-mmlab://msra/hrnetv2_w18
#   test    python tools/test.py configs/hrnetv2/hrnetv2_w18_anime28.py CHECKPOINT
#   larger  ... codec.input_size=[384,384] codec.heatmap_size=[96,96] codec.sigma=3
_base_ = [
    '../_base_/models/hrnetv2_w18.py',
    '../_base_/datasets/anime28.py',
    '../_base_/schedules/hrnetv2.py',
    '../_base_/default_runtime.py',
]
default_scope = 'mmpose'

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader

contract = dict(
    landmark_scheme='anime28',
    landmarks='28 points: 0-4 contour, 5-10 brows, 11-16 and 17-22 eyes, 23 nose, 24-27 mouth',
    intended_use='research on drawn faces',
)
