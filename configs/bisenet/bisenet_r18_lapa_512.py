# BiSeNet, ResNet-18, LaPa: 11 classes, 448 px, 512 px in tests.
#   train   python tools/train.py configs/bisenet/bisenet_r18_lapa_512.py
#   test    python tools/test.py configs/bisenet/bisenet_r18_lapa_512.py CHECKPOINT
_base_ = [
    '../_base_/models/bisenet_r18.py',
    '../_base_/datasets/lapa.py',
    '../_base_/schedules/bisenet.py',
    '../_base_/default_runtime.py',
]

num_classes = 11
model = dict(resize='logits')
