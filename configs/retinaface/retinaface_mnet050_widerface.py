# RetinaFace, MobileNetV1 x0.5, WIDER FACE, 640 px.
#   train   python tools/train.py configs/retinaface/retinaface_mnet050_widerface.py
#   test    python tools/test.py configs/retinaface/retinaface_mnet050_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/retinaface/retinaface_mnet050_widerface.py CHECKPOINT -o model.onnx
_base_ = './retinaface_mnet025_widerface.py'

model = dict(backbone=dict(width=0.5), neck=dict(out_channels=128))
