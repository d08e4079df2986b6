# SCRFD-10G with key points, WIDER FACE, 640 px (`scrfd_10g_bnkps`).
#   train   python tools/train.py configs/scrfd/scrfd_10g_kps_widerface.py
#   test    python tools/test.py configs/scrfd/scrfd_10g_kps_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/scrfd/scrfd_10g_kps_widerface.py CHECKPOINT -o model.onnx
_base_ = './scrfd_2_5g_kps_widerface.py'

model = dict(
    backbone=dict(stem_channels=56, stage_channels=(56, 88, 88, 224), stage_blocks=(3, 4, 2, 3)),
    neck=dict(out_channels=56),
    head=dict(feat_channels=80, stacked_convs=3),
)
