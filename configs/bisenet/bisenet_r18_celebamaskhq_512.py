# BiSeNet, ResNet-18, CelebAMask-HQ: 19 classes in BiSeNet's order, crops of 448 px, 512 px in tests.
#   train   python tools/train.py configs/bisenet/bisenet_r18_celebamaskhq_512.py
#   test    python tools/test.py configs/bisenet/bisenet_r18_celebamaskhq_512.py CHECKPOINT
#   draw    python tools/infer.py configs/bisenet/bisenet_r18_celebamaskhq_512.py CHECKPOINT photos/
#   export  python tools/export_onnx.py configs/bisenet/bisenet_r18_celebamaskhq_512.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/bisenet_r18.py',
    '../_base_/datasets/celebamaskhq.py',
    '../_base_/schedules/bisenet.py',
    '../_base_/default_runtime.py',
]
