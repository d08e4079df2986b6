# RetinaFace, ResNet-50, WIDER FACE, 840 px.
#   train   python tools/train.py configs/retinaface/retinaface_r50_widerface.py
#   test    python tools/test.py configs/retinaface/retinaface_r50_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/retinaface/retinaface_r50_widerface.py CHECKPOINT -o model.onnx
_base_ = './retinaface_mnet025_widerface.py'

max_epochs = 100
milestones = [70, 90]
image_size = 840
batch_size = 24
model = dict(
    backbone=dict(_delete_=True, type='ResNet', depth=50, pretrained='torchvision'), neck=dict(out_channels=256)
)
