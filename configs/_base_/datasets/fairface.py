# FairFace: race, gender and age by its csv files; figures for each race and gender.
_base_ = './attribute_faces.py'

data_root = 'data/fairface'
train_csv = 'fairface_label_train.csv'
val_csv = 'fairface_label_val.csv'
# Where there is one file only, 'train' and 'val' split it.
train_part = 'all'
val_part = 'all'

train_dataloader = dict(dataset=dict(type='FairFaceDataset', ann_file=train_csv, part=train_part))
val_dataloader = dict(dataset=dict(type='FairFaceDataset', ann_file=val_csv, part=val_part))
test_dataloader = val_dataloader
val_evaluator = dict(
    type='AttributeMetric',
    classes=dict(race='fairface/race', gender='fairface/gender', age='fairface/age'),
    groups=('race', 'gender'),
)
test_evaluator = val_evaluator
