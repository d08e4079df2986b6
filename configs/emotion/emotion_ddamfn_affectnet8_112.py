# Emotion by DDAMFN, AffectNet's 8 classes, aligned faces of 112 x 112.
#   train   python tools/train.py configs/emotion/emotion_ddamfn_affectnet8_112.py
#   test    python tools/test.py configs/emotion/emotion_ddamfn_affectnet8_112.py CHECKPOINT --out metrics.json
#   export  python tools/export_onnx.py configs/emotion/emotion_ddamfn_affectnet8_112.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/ddamfn.py',
    '../_base_/datasets/affectnet.py',
    '../_base_/schedules/ddamfn_adam.py',
    '../_base_/default_runtime.py',
]

emotions = 'affectnet8/emotion'
batch_size = 256
degrees = 20.0
crop_area = (0.64, 1.0)
