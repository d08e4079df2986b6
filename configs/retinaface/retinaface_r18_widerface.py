# RetinaFace, ResNet-18, WIDER FACE, 640 px.
#   train   python tools/train.py configs/retinaface/retinaface_r18_widerface.py
#   test    python tools/test.py configs/retinaface/retinaface_r18_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/retinaface/retinaface_r18_widerface.py CHECKPOINT -o model.onnx
_base_ = './retinaface_mnet025_widerface.py'

max_epochs = 150
milestones = [70, 90]
model = dict(
    backbone=dict(_delete_=True, type='ResNet', depth=18, pretrained='torchvision'), neck=dict(out_channels=128)
)
