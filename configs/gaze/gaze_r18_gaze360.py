# Gaze, ResNet-18, Gaze360 (MobileGaze's resnet18).
#   train   python tools/train.py configs/gaze/gaze_r18_gaze360.py
#   test    python tools/test.py configs/gaze/gaze_r18_gaze360.py CHECKPOINT --out metrics.json
#   export  python tools/export_onnx.py configs/gaze/gaze_r18_gaze360.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/gaze.py',
    '../_base_/datasets/gaze360.py',
    '../_base_/schedules/gaze_adam.py',
    '../_base_/default_runtime.py',
]
