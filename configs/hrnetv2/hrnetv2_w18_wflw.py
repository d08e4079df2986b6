# HRNetV2-W18 on WFLW, 98 points, after mmpose (td-hm_hrnetv2-w18_8xb64-60e_wflw-256x256).
#   train   python tools/train.py configs/hrnetv2/hrnetv2_w18_wflw.py pretrained=open-mmlab://msra/hrnetv2_w18
#   test    python tools/test.py configs/hrnetv2/hrnetv2_w18_wflw.py CHECKPOINT
_base_ = [
    '../_base_/models/hrnetv2_w18.py',
    '../_base_/datasets/landmark_json.py',
    '../_base_/schedules/hrnetv2.py',
    '../_base_/default_runtime.py',
]
default_scope = 'mmpose'

num_points = 98
codec = dict(unbiased=False)
flip_test = True
subset_files = {
    name: f'{_base_.data_root}/annotations/face_landmarks_wflw_test_{name}.json'
    for name in ('largepose', 'expression', 'illumination', 'makeup', 'occlusion', 'blur')
}
contract = dict(landmark_scheme='wflw98')

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
