# SCRFD-10G without key points, WIDER FACE, 640 px.
#   train   python tools/train.py configs/scrfd/scrfd_10g_widerface.py
#   test    python tools/test.py configs/scrfd/scrfd_10g_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/scrfd/scrfd_10g_widerface.py CHECKPOINT -o model.onnx
_base_ = './scrfd_10g_kps_widerface.py'

model = dict(head=dict(norm='GN', num_groups=16, share=True, num_landmarks=0))
