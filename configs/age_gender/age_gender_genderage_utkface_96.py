# Age and gender by the form of insightface's genderage: MobileNet x0.25, 96 x 96, one number for age and two for gender.
#   train   python tools/train.py configs/age_gender/age_gender_genderage_utkface_96.py
#   test    python tools/test.py configs/age_gender/age_gender_genderage_utkface_96.py CHECKPOINT --out metrics.json
#   export  python tools/export_onnx.py configs/age_gender/age_gender_genderage_utkface_96.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/genderage.py',
    '../_base_/datasets/utkface.py',
    '../_base_/schedules/adamw_onecycle.py',
    '../_base_/default_runtime.py',
]

image_size = 96
lr = 1e-3
weight_decay = 0.05
max_epochs = 40
# UTKFace's 0 is male, insightface's female.
relabel = dict(gender=('utkface/gender', 'insightface/gender'))
train_dataloader = dict(dataset=dict(relabel=relabel))
val_dataloader = dict(dataset=dict(relabel=relabel))
test_dataloader = dict(dataset=dict(relabel=relabel))
val_evaluator = dict(_delete_=True, type='AttributeMetric', classes=dict(gender='insightface/gender'), numbers=('age',))
test_evaluator = val_evaluator
