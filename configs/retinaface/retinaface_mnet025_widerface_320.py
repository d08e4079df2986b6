# RetinaFace, MobileNetV1 x0.25, WIDER FACE, 320 px: for few images and two cores; tested at original size.
#   train   python tools/train.py configs/retinaface/retinaface_mnet025_widerface_320.py model.backbone.pretrained=mobilenetV1X0.25_pretrain.tar
#   test    python tools/test.py configs/retinaface/retinaface_mnet025_widerface_320.py CHECKPOINT
_base_ = [
    '../_base_/models/retinaface_mnet025.py',
    '../_base_/datasets/widerface.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

image_size = 320
batch_size = 16
num_workers = 1
max_epochs = 300
warmup_epochs = 10
val_interval = 100
