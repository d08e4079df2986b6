# AffectNet by its tables of expressions; images are aligned and of image_size already, or are resized.
_base_ = './attribute_faces.py'

data_root = 'data/affectnet'
# Their column of image paths is read below data_root.
train_csv = 'training.csv'
val_csv = 'validation.csv'
image_size = 112
# AffectNet-7 leaves contempt out: 'affectnet7/emotion'.
emotions = 'affectnet8/emotion'
relabel = dict(emotion=('affectnet8/emotion', emotions))

train_dataloader = dict(dataset=dict(type='AffectNetDataset', ann_file=train_csv, relabel=relabel))
val_dataloader = dict(dataset=dict(type='AffectNetDataset', ann_file=val_csv, relabel=relabel))
test_dataloader = val_dataloader
val_evaluator = dict(type='AttributeMetric', classes=dict(emotion=emotions))
test_evaluator = val_evaluator
