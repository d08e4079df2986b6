# Emotions in a folder for each class (CK+, FER2013, RAF-DB, ImageFolder of AffectNet).
_base_ = './attribute_faces.py'

emotions = 'fer2013/emotion'
# Regular expression of a person in a file's name: all images of a person fall on one side of the split.
person = None
# Parts of the data to train and to test on; 'all' where they are in folders of their own.
train_part = 'train'
val_part = 'val'

train_dataloader = dict(
    dataset=dict(type='ClassFolderDataset', attribute='emotion', labels=emotions, person=person, part=train_part)
)
val_dataloader = dict(
    dataset=dict(type='ClassFolderDataset', attribute='emotion', labels=emotions, person=person, part=val_part)
)
test_dataloader = val_dataloader
val_evaluator = dict(type='AttributeMetric', classes=dict(emotion=emotions))
test_evaluator = val_evaluator
