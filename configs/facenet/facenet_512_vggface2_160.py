# FaceNet (Inception-ResNet-v1, 512 numbers), VGGFace2, 160 px, softmax.
#   train   python tools/train.py configs/facenet/facenet_512_vggface2_160.py
#   test    python tools/test.py configs/facenet/facenet_512_vggface2_160.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/facenet/facenet_512_vggface2_160.py CHECKPOINT -o model.onnx
_base_ = ['../_base_/models/inception_resnet_v1.py', '../_base_/default_runtime.py']
