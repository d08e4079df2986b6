# FER2013 as published: one csv file with the images in it, in three parts. They have 48 x 48 pixels: image_size = 48.
_base_ = './attribute_faces.py'

data_root = 'data/fer2013'
csv = 'fer2013.csv'
# The challenge chose models by PublicTest and ranked them by PrivateTest.
train_usage = 'Training'
val_usage = 'PublicTest'
test_usage = 'PrivateTest'
emotions = 'fer2013/emotion'

train_dataloader = dict(dataset=dict(type='FER2013Dataset', ann_file=csv, usage=train_usage))
val_dataloader = dict(dataset=dict(type='FER2013Dataset', ann_file=csv, usage=val_usage))
test_dataloader = dict(dataset=dict(type='FER2013Dataset', ann_file=csv, usage=test_usage))
val_evaluator = dict(type='AttributeMetric', classes=dict(emotion=emotions))
test_evaluator = val_evaluator
