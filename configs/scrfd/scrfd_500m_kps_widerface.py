# SCRFD-500M with key points, WIDER FACE, 640 px (`scrfd_500m_bnkps`).
#   train   python tools/train.py configs/scrfd/scrfd_500m_kps_widerface.py
#   test    python tools/test.py configs/scrfd/scrfd_500m_kps_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/scrfd/scrfd_500m_kps_widerface.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/scrfd_500m_kps.py',
    '../_base_/datasets/widerface_scrfd.py',
    '../_base_/schedules/scrfd.py',
    '../_base_/default_runtime.py',
]

# Four processes with sixteen images each.
batch_size = 64
auto_scale_lr = dict(base_batch_size=64)
