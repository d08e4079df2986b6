# arcface_torch's schedule for ViT on WebFace42M: AdamW, 40 epochs with 4 of warm-up, then on a line to zero.
# 64 GPUs with 384 images each; ViT-B on 8 GPUs adds up the gradients of 12 batches
# (optim_wrapper.accumulative_counts; mmengine takes their mean).
_base_ = './arcface_sgd.py'

max_epochs = 40
warmup_epochs = 4
lr = 1e-3
weight_decay = 0.1

optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=lr, weight_decay=weight_decay))
auto_scale_lr = dict(base_batch_size=24576)
