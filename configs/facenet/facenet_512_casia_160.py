# FaceNet (Inception-ResNet-v1, 512 numbers), CASIA-WebFace, 160 px.
#   train   python tools/train.py configs/facenet/facenet_512_casia_160.py
#   test    python tools/test.py configs/facenet/facenet_512_casia_160.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/facenet/facenet_512_casia_160.py CHECKPOINT -o model.onnx
_base_ = './facenet_512_vggface2_160.py'

data_root = 'data/casia_160'
num_classes = 10575
