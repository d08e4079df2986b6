# MiniFASNetV2 on CelebA-Spoof, crops of 2.7 times the face's box: the network of `2.7_80x80_MiniFASNetV2.pth`.
#   train   python tools/train.py configs/minifasnet/minifasnet_v2_celebaspoof_80.py
#   test    python tools/test.py configs/minifasnet/minifasnet_v2_celebaspoof_80.py CHECKPOINT --out metrics.json
#   export  python tools/export_onnx.py configs/minifasnet/minifasnet_v2_celebaspoof_80.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/minifasnet.py',
    '../_base_/datasets/celebaspoof.py',
    '../_base_/schedules/minifasnet_sgd.py',
    '../_base_/default_runtime.py',
]
