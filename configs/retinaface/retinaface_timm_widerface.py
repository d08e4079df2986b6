# RetinaFace, any timm backbone, WIDER FACE, 640 px.
#   train   python tools/train.py configs/retinaface/retinaface_timm_widerface.py
#   test    python tools/test.py configs/retinaface/retinaface_timm_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/retinaface/retinaface_timm_widerface.py CHECKPOINT -o model.onnx
#   another backbone: add backbone_name=mobilenetv3_small_100
_base_ = './retinaface_mnet025_widerface.py'

backbone_name = 'mobilenetv3_large_100'
model = dict(backbone=dict(_delete_=True, type='TimmBackbone', name=backbone_name, pretrained='timm'))
