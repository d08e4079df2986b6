# Gaze from the eyes of rendered faces, a small iResNet: minutes on two cores, nothing to download.
#   train   python tools/train.py configs/gaze/gaze_r10_eyes_synthfaces.py
#   test    python tools/test.py configs/gaze/gaze_r10_eyes_synthfaces.py CHECKPOINT --out metrics.json
_base_ = [
    '../_base_/models/gaze.py',
    '../_base_/datasets/synth_gaze.py',
    '../_base_/schedules/gaze_adam.py',
    '../_base_/default_runtime.py',
]

bins = 60
bin_width = 3.0
bin_start = -90.0
bin_centre = True
image_size = 112
batch_size = 64
max_epochs = 60
val_interval = 10
warmup_epochs = 1
lr = 3e-3
# With 1, the squared error in degrees drowns the cross entropy.
squared_weight = 0.01

model = dict(
    data_preprocessor=dict(channels_last=True),
    backbone=dict(_delete_=True, type='IResNet', depth=10, width=16, stem_stride=2, embedding_size=128, init='kaiming'),
    heads=dict(yaw=dict(alpha=squared_weight), pitch=dict(alpha=squared_weight)),
)
contract = dict(alignment='the strip of the eyes of the face box: CropFacePart of the test pipeline')
