# HRNetV2-W18 on LaPa, 106 points, with the recipe of WFLW and DARK; there is no published HRNet for it.
#   train   python tools/train.py configs/hrnetv2/hrnetv2_w18_lapa.py pretrained=open-mmlab://msra/hrnetv2_w18
#   test    python tools/test.py configs/hrnetv2/hrnetv2_w18_lapa.py CHECKPOINT
_base_ = [
    '../_base_/models/hrnetv2_w18.py',
    '../_base_/datasets/landmark_json.py',
    '../_base_/schedules/hrnetv2.py',
    '../_base_/default_runtime.py',
]
default_scope = 'mmpose'

dataset_type = 'LapaDataset'
data_root = 'data/LaPa'
train_ann_file = 'annotations/lapa_train.json'
val_ann_file = 'annotations/lapa_val.json'
image_folder = ''
num_points = 106
flip_test = True
contract = dict(landmark_scheme='lapa106')

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
