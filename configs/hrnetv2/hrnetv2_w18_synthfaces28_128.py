# HRNetV2-W18, 28 points, on rendered faces: 128 px, heatmaps of 32 px, from random weights, for two cores.
#   train   python tools/train.py configs/hrnetv2/hrnetv2_w18_synthfaces28_128.py
#   test    python tools/test.py configs/hrnetv2/hrnetv2_w18_synthfaces28_128.py CHECKPOINT
#   68      ... scheme=300w68 num_points=68
_base_ = [
    '../_base_/models/hrnetv2_w18.py',
    '../_base_/datasets/synth_landmarks_mmpose.py',
    '../_base_/schedules/hrnetv2.py',
    '../_base_/default_runtime.py',
]
default_scope = 'mmpose'

codec = dict(input_size=(128, 128), heatmap_size=(32, 32), sigma=1.5, blur_kernel_size=7)
max_epochs = 4
milestones = [3]
warmup_steps = 50
lr = 1e-3
auto_scale_lr = dict(enable=False)

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
contract = dict(landmark_scheme=_base_.scheme, intended_use='tests on rendered faces')
