# HRNetV2-W18 on 300-W, 68 points, after mmpose; other test sets: val_ann_file=annotations/face_landmarks_300w_test.json.
#   train   python tools/train.py configs/hrnetv2/hrnetv2_w18_300w.py pretrained=open-mmlab://msra/hrnetv2_w18
#   test    python tools/test.py configs/hrnetv2/hrnetv2_w18_300w.py CHECKPOINT
_base_ = [
    '../_base_/models/hrnetv2_w18.py',
    '../_base_/datasets/landmark_json.py',
    '../_base_/schedules/hrnetv2.py',
    '../_base_/default_runtime.py',
]
default_scope = 'mmpose'

dataset_type = 'Face300WDataset'
data_root = 'data/300w'
train_ann_file = 'annotations/face_landmarks_300w_train.json'
val_ann_file = 'annotations/face_landmarks_300w_valid.json'
num_points = 68
codec = dict(sigma=1.5, unbiased=False)
flip_test = True
subset_files = {
    name: f'{data_root}/annotations/face_landmarks_300w_valid_{name}.json' for name in ('common', 'challenge')
}
contract = dict(landmark_scheme='300w68')

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
