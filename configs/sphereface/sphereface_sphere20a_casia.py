# SphereFace-20, 112 x 96, CASIA-WebFace, A-Softmax: as clcarwin/sphereface_pytorch trains it.
#   train   python tools/train.py configs/sphereface/sphereface_sphere20a_casia.py
#   test    python tools/test.py configs/sphereface/sphereface_sphere20a_casia.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/sphereface/sphereface_sphere20a_casia.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/sphere20a_112x96.py',
    '../_base_/datasets/faces_folder.py',
    '../_base_/schedules/adaface_sgd.py',
    '../_base_/default_runtime.py',
]

batch_size = 256
data_root = 'data/casia_112x96'
num_classes = 10574
max_epochs = 20
milestones = [10, 15, 18]
decay_of_norms = 1.0
auto_scale_lr = dict(base_batch_size=256)
model = dict(head=dict(type='MarginHead', num_classes=num_classes, margin=dict(type='SphereFace')))
