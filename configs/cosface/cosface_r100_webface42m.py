# CosFace, iResNet-100, WebFace42M, a fifth of the classes a step, 16 GPUs x 256 (`wf42m_pfc02_16gpus_r100`).
#   train   python tools/train.py configs/cosface/cosface_r100_webface42m.py
#   test    python tools/test.py configs/cosface/cosface_r100_webface42m.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/cosface/cosface_r100_webface42m.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/iresnet50.py',
    '../_base_/datasets/webface42m.py',
    '../_base_/schedules/arcface_sgd.py',
    '../_base_/default_runtime.py',
]

batch_size = 256
lr = 0.3
warmup_epochs = 1
auto_scale_lr = dict(base_batch_size=4096)
model = dict(
    backbone=dict(depth=100),
    head=dict(
        type='MarginHead', num_classes=_base_.num_classes, margin=dict(type='CosFace', margin=0.4), sample_rate=0.2
    ),
)
