# BiSeNet, ResNet-34, CelebAMask-HQ: 19 classes in BiSeNet's order, crops of 448 px, 512 px in tests.
#   train   python tools/train.py configs/bisenet/bisenet_r34_celebamaskhq_512.py
#   test    python tools/test.py configs/bisenet/bisenet_r34_celebamaskhq_512.py CHECKPOINT
#   export  python tools/export_onnx.py configs/bisenet/bisenet_r34_celebamaskhq_512.py CHECKPOINT -o model.onnx
_base_ = './bisenet_r18_celebamaskhq_512.py'

model = dict(backbone=dict(depth=34))
