# PFLD, 98 points, WFLW, crops of 112 px; the metric reports the six subsets too.
#   train   python tools/train.py configs/landmark98/landmark98_pfld_wflw.py
#   test    python tools/test.py configs/landmark98/landmark98_pfld_wflw.py CHECKPOINT
#   export  python tools/export_onnx.py configs/landmark98/landmark98_pfld_wflw.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/pfld.py',
    '../_base_/datasets/wflw.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

scheme = 'wflw98'
max_epochs = 100
val_interval = 10
contract = dict(landmark_scheme=scheme)
