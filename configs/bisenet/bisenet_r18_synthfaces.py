# BiSeNet, ResNet-18, SynthFaces (rendered heads with exact masks): from nothing to a face parser on two cores; 128 px.
#   train   python tools/train.py configs/bisenet/bisenet_r18_synthfaces.py
#   test    python tools/test.py configs/bisenet/bisenet_r18_synthfaces.py CHECKPOINT
#   before real faces: python tools/train.py bisenet_r18_faces_128 load_from=work_dirs/bisenet_r18_synthfaces/last.safetensors
_base_ = [
    '../_base_/models/bisenet_r18.py',
    '../_base_/datasets/synth_parsing.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

max_epochs = 8
warmup_epochs = 1
val_interval = 4
lr = 2e-3
model = dict(backbone=dict(pretrained=None), resize='logits')
