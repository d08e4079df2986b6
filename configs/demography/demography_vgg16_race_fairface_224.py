# DeepFace's race on VGG-Face's features; trained on FairFace, 224 x 224.
#   train   python tools/train.py configs/demography/demography_vgg16_race_fairface_224.py
#   test    python tools/test.py configs/demography/demography_vgg16_race_fairface_224.py CHECKPOINT --out metrics.json
#   convert python tools/convert_checkpoint.py race_model_single_batch.h5 configs/demography/demography_vgg16_race_fairface_224.py -o checkpoints/deepface_race.safetensors
_base_ = [
    '../_base_/models/deepface_vgg.py',
    '../_base_/datasets/fairface.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

fit = 'letterbox'
lr = 1e-4
batch_size = 32
# Two of FairFace's seven are one here.
merged = {'East Asian': 'asian', 'Southeast Asian': 'asian'}
relabel = dict(race=('fairface/race', 'deepface/race', merged))
model = dict(heads=dict(race=dict(type='ClassHead', labels='deepface/race')))
train_dataloader = dict(dataset=dict(relabel=relabel))
val_dataloader = dict(dataset=dict(relabel=relabel))
test_dataloader = dict(dataset=dict(relabel=relabel))
val_evaluator = dict(_delete_=True, type='AttributeMetric', classes=dict(race='deepface/race'), groups=('race',))
test_evaluator = val_evaluator
