# SCRFD-500M with key points, SynthFaces (rendered while training): from nothing to a face detector on two cores.
#   train   python tools/train.py configs/scrfd/scrfd_500m_kps_synthfaces.py
#   test    python tools/test.py configs/scrfd/scrfd_500m_kps_synthfaces.py CHECKPOINT
_base_ = [
    '../_base_/models/scrfd_500m_kps.py',
    '../_base_/datasets/synthfaces.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

# Small batches make more steps of the few minutes there are; one tower for all levels, as the forms without key points have, sees
# faces of all sizes; more anchors answer for a face; and classes come before key points.
batch_size = 4
max_epochs = 52
warmup_epochs = 4
val_interval = 52
lr = 5e-3
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.99), fused=True))
model = dict(
    head=dict(
        norm='GN',
        share=True,
        scale=True,
        topk=18,
        loss=dict(class_weight=2.0, landmark_weight=0.01),
    )
)
