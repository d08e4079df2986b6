# SCRFD-34G with key points, WIDER FACE, 640 px: no such weights were published by the authors.
#   train   python tools/train.py configs/scrfd/scrfd_34g_kps_widerface.py
#   test    python tools/test.py configs/scrfd/scrfd_34g_kps_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/scrfd/scrfd_34g_kps_widerface.py CHECKPOINT -o model.onnx
_base_ = './scrfd_34g_widerface.py'

model = dict(head=dict(norm='BN', share=False, num_landmarks=5))
