# Head pose, ResNet-50, trained on 300W-LP, tested on AFLW2000-3D (or test_set=biwi).
#   train   python tools/train.py configs/head_pose/head_pose_r50_300wlp.py
#   test    python tools/test.py configs/head_pose/head_pose_r50_300wlp.py CHECKPOINT --out metrics.json
#   export  python tools/export_onnx.py configs/head_pose/head_pose_r50_300wlp.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/head_pose.py',
    '../_base_/datasets/head_pose_300wlp.py',
    '../_base_/schedules/head_pose_adam.py',
    '../_base_/default_runtime.py',
]
