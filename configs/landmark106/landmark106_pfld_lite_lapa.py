# PFLD with separable convolutions, 106 points in insightface's order, crops of 112 px. Published as pfld106_lite.pth.
#   train   python tools/train.py configs/landmark106/landmark106_pfld_lite_lapa.py
#   convert python tools/convert_checkpoint.py pfld106_lite.pth configs/landmark106/landmark106_pfld_lite_lapa.py -o checkpoints/pfld106.safetensors
#   draw    python tools/infer.py configs/landmark106/landmark106_pfld_lite_lapa.py checkpoints/pfld106.safetensors faces/
_base_ = [
    '../_base_/models/pfld.py',
    '../_base_/datasets/lapa106.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

scheme = 'insightface106'
scheme_of_data = scheme
max_epochs = 60
model = dict(backbone=dict(type='PFLDLite'))
contract = dict(landmark_scheme=scheme)
