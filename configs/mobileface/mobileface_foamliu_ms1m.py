# foamliu's MobileFaceNet, MS-Celeb-1M, ArcFace.
#   train   python tools/train.py configs/mobileface/mobileface_foamliu_ms1m.py
#   test    python tools/test.py configs/mobileface/mobileface_foamliu_ms1m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/mobileface/mobileface_foamliu_ms1m.py CHECKPOINT -o model.onnx
_base_ = ['../_base_/models/mobileface_foamliu.py', '../_base_/default_runtime.py']
