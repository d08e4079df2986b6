# VGG-Face (VGG-16), VGGFace, 224 px. For embedding only.
#   test    python tools/test.py configs/vggface/vggface_vgg16_vggface_224.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/vggface/vggface_vgg16_vggface_224.py CHECKPOINT -o model.onnx
_base_ = ['../_base_/models/vggface.py', '../_base_/default_runtime.py']
