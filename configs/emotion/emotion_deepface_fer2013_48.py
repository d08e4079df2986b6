# Emotion by DeepFace's network, FER2013 as published (csv), 48 x 48 grey.
#   train   python tools/train.py configs/emotion/emotion_deepface_fer2013_48.py
#   test    python tools/test.py configs/emotion/emotion_deepface_fer2013_48.py CHECKPOINT --out metrics.json
#   convert python tools/convert_checkpoint.py facial_expression_model_weights.h5 configs/emotion/emotion_deepface_fer2013_48.py -o checkpoints/deepface_emotion.safetensors
_base_ = [
    '../_base_/models/deepface_emotion.py',
    '../_base_/datasets/fer2013.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

image_size = 48
batch_size = 128
lr = 1e-3
max_epochs = 60
# DeepFace brings every face to 224 first.
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='CropFaceScales', scales=[None], size=224, fit='letterbox'),
    dict(type='ResizeForTest', rule='stretch', size=48),
    dict(type='PackFaceInputs'),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
