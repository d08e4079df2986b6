# FER+: FER2013's images with ten people's votes for each; learnt as shares of the votes, judged by their majority.
_base_ = './fer2013.py'

# Microsoft's file of votes, beside FER2013's own.
votes_csv = 'fer2013new.csv'
train_votes = 'distribution'
emotions = 'ferplus/emotion'

train_dataloader = dict(dataset=dict(type='FERPlusDataset', ann_file=votes_csv, pixels=_base_.csv, votes=train_votes))
val_dataloader = dict(dataset=dict(type='FERPlusDataset', ann_file=votes_csv, pixels=_base_.csv))
test_dataloader = dict(dataset=dict(type='FERPlusDataset', ann_file=votes_csv, pixels=_base_.csv))
