# RetinaFace, ResNet-34, WIDER FACE, 640 px.
#   train   python tools/train.py configs/retinaface/retinaface_r34_widerface.py
#   test    python tools/test.py configs/retinaface/retinaface_r34_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/retinaface/retinaface_r34_widerface.py CHECKPOINT -o model.onnx
_base_ = './retinaface_mnet025_widerface.py'

max_epochs = 100
milestones = [70, 90]
model = dict(
    backbone=dict(_delete_=True, type='ResNet', depth=34, pretrained='torchvision'), neck=dict(out_channels=128)
)
