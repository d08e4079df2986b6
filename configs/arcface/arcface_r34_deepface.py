# DeepFace's ArcFace, an iResNet-34 that came from Keras. For embedding only.
#   test    python tools/test.py configs/arcface/arcface_r34_deepface.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/arcface/arcface_r34_deepface.py CHECKPOINT -o model.onnx
_base_ = ['../_base_/models/iresnet50.py', '../_base_/default_runtime.py']

# DeepFace's own normalisation of the name 'ArcFace'; its default, BGR in [0, 1], costs three points on LFW.
model = dict(
    data_preprocessor=dict(mean=(127.5, 127.5, 127.5), std=(128.0, 128.0, 128.0)),
    backbone=dict(depth=34, bn_eps=2e-5, dropout=0.4),
)
