# DeepFace's age on VGG-Face's features; trained on UTKFace, 224 x 224.
#   train   python tools/train.py configs/demography/demography_vgg16_age_utkface_224.py
#   test    python tools/test.py configs/demography/demography_vgg16_age_utkface_224.py CHECKPOINT --out metrics.json
#   convert python tools/convert_checkpoint.py age_model_weights.h5 configs/demography/demography_vgg16_age_utkface_224.py -o checkpoints/deepface_age.safetensors
_base_ = [
    '../_base_/models/deepface_vgg.py',
    '../_base_/datasets/utkface.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

fit = 'letterbox'
lr = 1e-4
batch_size = 32
# A class a year, 0 to 100: the expectation over them is the age. UTKFace goes up to 116.
limits = dict(age=(0, 100))
model = dict(heads=dict(age=dict(type='BinnedHead', bins=101, width=1.0, start=0.0, alpha=0.01)))
train_dataloader = dict(dataset=dict(limits=limits))
val_evaluator = dict(_delete_=True, type='AttributeMetric', numbers=('age',))
test_evaluator = val_evaluator
