# RetinaFace, MobileNetV2, WIDER FACE, 640 px.
#   train   python tools/train.py configs/retinaface/retinaface_mnetv2_widerface.py
#   test    python tools/test.py configs/retinaface/retinaface_mnetv2_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/retinaface/retinaface_mnetv2_widerface.py CHECKPOINT -o model.onnx
_base_ = './retinaface_mnet025_widerface.py'

model = dict(backbone=dict(_delete_=True, type='MobileNetV2', pretrained='torchvision'), neck=dict(out_channels=128))
