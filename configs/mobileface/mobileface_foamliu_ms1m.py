# foamliu's MobileFaceNet, MS-Celeb-1M (85,164 identities), ArcFace. The schedule is arcface_torch's.
#   train   python tools/train.py configs/mobileface/mobileface_foamliu_ms1m.py
#   test    python tools/test.py configs/mobileface/mobileface_foamliu_ms1m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/mobileface/mobileface_foamliu_ms1m.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/mobileface_foamliu.py',
    '../_base_/datasets/faces_recordio.py',
    '../_base_/schedules/arcface_sgd.py',
    '../_base_/default_runtime.py',
]

data_root = 'data/faces_ms1m_112x112'
num_classes = 85164
model = dict(head=dict(type='MarginHead', num_classes=num_classes, margin=dict(type='ArcFace', margin=0.5)))
