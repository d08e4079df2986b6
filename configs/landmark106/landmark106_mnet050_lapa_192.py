# insightface's 2d106 (MobileNet ×0.5, crops of 192 px, 1.5 times the box) trained on LaPa, in insightface's order of points.
#   train   python tools/train.py configs/landmark106/landmark106_mnet050_lapa_192.py
#   test    python tools/test.py configs/landmark106/landmark106_mnet050_lapa_192.py CHECKPOINT
#   convert python tools/convert_checkpoint.py 2d106det.onnx configs/landmark106/landmark106_mnet050_lapa_192.py -o checkpoints/2d106.safetensors
#   export  python tools/export_onnx.py configs/landmark106/landmark106_mnet050_lapa_192.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/mnet050_2d106.py',
    '../_base_/datasets/lapa106.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

image_size = 192
padding = 1.5
scheme_of_data = 'insightface106'
max_epochs = 60
contract = dict(landmark_scheme=scheme_of_data)
