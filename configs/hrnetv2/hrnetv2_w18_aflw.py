# HRNetV2-W18 on AFLW, 19 points, after mmpose; frontal faces: val_ann_file=annotations/face_landmarks_aflw_test_frontal.json.
#   train   python tools/train.py configs/hrnetv2/hrnetv2_w18_aflw.py pretrained=open-mmlab://msra/hrnetv2_w18
#   test    python tools/test.py configs/hrnetv2/hrnetv2_w18_aflw.py CHECKPOINT
_base_ = [
    '../_base_/models/hrnetv2_w18.py',
    '../_base_/datasets/landmark_json.py',
    '../_base_/schedules/hrnetv2.py',
    '../_base_/default_runtime.py',
]
default_scope = 'mmpose'

dataset_type = 'AFLWDataset'
data_root = 'data/aflw'
train_ann_file = 'annotations/face_landmarks_aflw_train.json'
val_ann_file = 'annotations/face_landmarks_aflw_test.json'
num_points = 19
codec = dict(unbiased=False)
flip_test = True
subset_files = {'frontal': f'{data_root}/annotations/face_landmarks_aflw_test_frontal.json'}
contract = dict(landmark_scheme='aflw19')

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
