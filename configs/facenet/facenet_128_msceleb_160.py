# FaceNet (Inception-ResNet-v1, 128 numbers) as DeepFace feeds it: BGR, x / 255, 160 px. For embedding only.
#   test    python tools/test.py configs/facenet/facenet_128_msceleb_160.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/facenet/facenet_128_msceleb_160.py CHECKPOINT -o model.onnx
_base_ = ['../_base_/models/inception_resnet_v1.py', '../_base_/default_runtime.py']

model = dict(
    data_preprocessor=dict(mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0), bgr_to_rgb=False),
    backbone=dict(embedding_size=128, unit=False),
)

contract = dict(embedding_size=128)
