# Aligned faces in RecordIO, InsightFace's form: train.rec, train.idx and property in one folder. Nothing of mxnet is needed.
_base_ = './faces.py'

rec_file = 'train.rec'

train_dataloader = dict(dataset=dict(type='RecordFaceDataset', rec_file=rec_file))
