# HRNetV2-W18 on COFW, 29 points, after mmpose.
#   train   python tools/train.py configs/hrnetv2/hrnetv2_w18_cofw.py pretrained=open-mmlab://msra/hrnetv2_w18
#   test    python tools/test.py configs/hrnetv2/hrnetv2_w18_cofw.py CHECKPOINT
_base_ = [
    '../_base_/models/hrnetv2_w18.py',
    '../_base_/datasets/landmark_json.py',
    '../_base_/schedules/hrnetv2.py',
    '../_base_/default_runtime.py',
]
default_scope = 'mmpose'

dataset_type = 'COFWDataset'
data_root = 'data/cofw'
train_ann_file = 'annotations/cofw_train.json'
val_ann_file = 'annotations/cofw_test.json'
num_points = 29
codec = dict(sigma=1.5, unbiased=False)
flip_test = True
contract = dict(landmark_scheme='cofw29')

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
