# SCRFD-34G without key points, WIDER FACE, 640 px.
#   train   python tools/train.py configs/scrfd/scrfd_34g_widerface.py
#   test    python tools/test.py configs/scrfd/scrfd_34g_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/scrfd/scrfd_34g_widerface.py CHECKPOINT -o model.onnx
_base_ = './scrfd_2_5g_widerface.py'

lr = 0.02
clip_boxes = True
model = dict(
    backbone=dict(stem_channels=56, stage_channels=(56, 56, 144, 184), stage_blocks=(17, 16, 2, 8), bottleneck=True),
    neck=dict(out_channels=128),
    head=dict(feat_channels=256, num_groups=32),
)
