# MobileNetV3-small, MS1MV2, CosFace.
#   train   python tools/train.py configs/mobileface/mobileface_mnetv3s_ms1mv2.py
#   test    python tools/test.py configs/mobileface/mobileface_mnetv3s_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/mobileface/mobileface_mnetv3s_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = './mobileface_mnet025_ms1mv2.py'

model = dict(backbone=dict(_delete_=True, type='FaceMobileNetV3', size='small', embedding_size=512, pretrained=None))
