# SCRFD-1G without key points, WIDER FACE, 640 px.
#   train   python tools/train.py configs/scrfd/scrfd_1g_widerface.py
#   test    python tools/test.py configs/scrfd/scrfd_1g_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/scrfd/scrfd_1g_widerface.py CHECKPOINT -o model.onnx
_base_ = './scrfd_500m_widerface.py'

model = dict(
    backbone=dict(stem_channels=(32, 48), stage_channels=(48, 160, 216, 312), stage_blocks=(3, 2, 1, 5)),
    neck=dict(out_channels=24),
    head=dict(feat_channels=96, num_groups=8),
)
