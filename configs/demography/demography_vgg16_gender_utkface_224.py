# DeepFace's gender on VGG-Face's features; trained on UTKFace, 224 x 224.
#   train   python tools/train.py configs/demography/demography_vgg16_gender_utkface_224.py
#   test    python tools/test.py configs/demography/demography_vgg16_gender_utkface_224.py CHECKPOINT --out metrics.json
#   convert python tools/convert_checkpoint.py gender_model_weights.h5 configs/demography/demography_vgg16_gender_utkface_224.py -o checkpoints/deepface_gender.safetensors
_base_ = [
    '../_base_/models/deepface_vgg.py',
    '../_base_/datasets/utkface.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

fit = 'letterbox'
lr = 1e-4
batch_size = 32
# UTKFace counts the other way round.
relabel = dict(gender=('utkface/gender', 'deepface/gender'))
model = dict(heads=dict(gender=dict(type='ClassHead', labels='deepface/gender')))
train_dataloader = dict(dataset=dict(relabel=relabel))
val_dataloader = dict(dataset=dict(relabel=relabel))
test_dataloader = dict(dataset=dict(relabel=relabel))
val_evaluator = dict(_delete_=True, type='AttributeMetric', classes=dict(gender='deepface/gender'))
test_evaluator = val_evaluator
