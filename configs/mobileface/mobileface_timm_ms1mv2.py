# Any timm backbone with a GDC neck, MS1MV2, CosFace.
#   train   python tools/train.py configs/mobileface/mobileface_timm_ms1mv2.py
#   test    python tools/test.py configs/mobileface/mobileface_timm_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/mobileface/mobileface_timm_ms1mv2.py CHECKPOINT -o model.onnx
#   another backbone: add backbone_name=mobilenetv3_small_100
_base_ = './mobileface_mnet025_ms1mv2.py'

backbone_name = 'mobilenetv3_large_100'
model = dict(
    backbone=dict(_delete_=True, type='TimmBackbone', name=backbone_name, strides=(32,), pretrained='timm'),
    neck=dict(type='GDC', embedding_size=512, size=4),
)
