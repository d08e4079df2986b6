# RetinaFace, MobileNetV1 x0.25, SynthFaces (rendered while training): from nothing to a face detector on two cores.
#   train   python tools/train.py configs/retinaface/retinaface_mnet025_synthfaces.py
#   test    python tools/test.py configs/retinaface/retinaface_mnet025_synthfaces.py CHECKPOINT
#   longer  add max_epochs=200
_base_ = [
    '../_base_/models/retinaface_mnet025.py',
    '../_base_/datasets/synthfaces.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

max_epochs = 50
warmup_epochs = 4
val_interval = 50
# High, and with a short memory of squared gradients: there are only 2,500 iterations.
lr = 1.2e-2
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.99), fused=True))
# Ten numbers against a box's four: a lighter weight than WIDER FACE's 1 leaves more of a short training to the boxes.
model = dict(head=dict(loss=dict(landmark_weight=0.25)))
