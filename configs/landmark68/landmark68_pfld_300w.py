# PFLD, 68 points, 300-W, crops of 112 px.
#   train   python tools/train.py configs/landmark68/landmark68_pfld_300w.py
#   test    python tools/test.py configs/landmark68/landmark68_pfld_300w.py CHECKPOINT
#   draw    python tools/infer.py configs/landmark68/landmark68_pfld_300w.py CHECKPOINT faces/
#   export  python tools/export_onnx.py configs/landmark68/landmark68_pfld_300w.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/pfld.py',
    '../_base_/datasets/ibug300w.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

max_epochs = 100
val_interval = 10
contract = dict(landmark_scheme='300w68')
