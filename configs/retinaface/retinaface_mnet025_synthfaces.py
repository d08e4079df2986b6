# RetinaFace, MobileNetV1 x0.25, SynthFaces (rendered while training): from nothing to a face detector on two cores.
#   train   python tools/train.py configs/retinaface/retinaface_mnet025_synthfaces.py
#   test    python tools/test.py configs/retinaface/retinaface_mnet025_synthfaces.py CHECKPOINT
#   longer  add max_epochs=60 train_scenes=10000
_base_ = [
    '../_base_/models/retinaface_mnet025.py',
    '../_base_/datasets/synthfaces.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]
