# FaceNet (Inception-ResNet-v1, 512 numbers), VGGFace2, 160 px. Its weights are of softmax training; here it is CosFace.
#   train   python tools/train.py configs/facenet/facenet_512_vggface2_160.py
#   test    python tools/test.py configs/facenet/facenet_512_vggface2_160.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/facenet/facenet_512_vggface2_160.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/inception_resnet_v1.py',
    '../_base_/datasets/faces_folder.py',
    '../_base_/schedules/adaface_sgd.py',
    '../_base_/default_runtime.py',
]

data_root = 'data/vggface2_160'
num_classes = 8631
model = dict(
    head=dict(type='MarginHead', num_classes=num_classes, margin=dict(type='CosFace', margin=0.35, scale=30.0))
)
