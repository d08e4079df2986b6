# SCRFD-500M without key points, WIDER FACE, 640 px.
#   train   python tools/train.py configs/scrfd/scrfd_500m_widerface.py
#   test    python tools/test.py configs/scrfd/scrfd_500m_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/scrfd/scrfd_500m_widerface.py CHECKPOINT -o model.onnx
_base_ = './scrfd_500m_kps_widerface.py'

batch_size = 32
model = dict(head=dict(norm='GN', num_groups=16, share=True, scale=True, num_landmarks=0))
