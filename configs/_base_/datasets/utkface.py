# UTKFace: age in years, gender and race by the files' names, split by the checksum of the name.
_base_ = './attribute_faces.py'

data_root = 'data/utkface'
train_dataloader = dict(dataset=dict(type='UTKFaceDataset', part='train'))
val_dataloader = dict(dataset=dict(type='UTKFaceDataset', part='val'))
test_dataloader = val_dataloader
val_evaluator = dict(
    type='AttributeMetric',
    classes=dict(gender='utkface/gender', race='utkface/race'),
    numbers=('age',),
)
test_evaluator = val_evaluator
