# XSeg, a few hundred images of your own with masks, from random weights, on two cores; 256 px.
#   train   python tools/train.py configs/xseg/xseg_dfl_faces_256.py data_root=data/celebamask_mini --amp
#   test    python tools/test.py configs/xseg/xseg_dfl_faces_256.py CHECKPOINT
_base_ = [
    '../_base_/models/xseg.py',
    '../_base_/datasets/parsing_folder.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

class_order = 'face'
image_size = 256
# As DeepFaceLab moves its faces.
angle = 10.0
scale = (0.95, 1.05)
shift = 0.05
# Norms do not depend on the batch, so small ones do, and there are few images.
batch_size = 2
max_epochs = 6
warmup_epochs = 1
val_interval = 6
lr = 5e-4
val_evaluator = dict(type='FaceMaskMetric')
test_evaluator = val_evaluator
contract = dict(size=(image_size, image_size), intended_use='research on occlusions of faces')
