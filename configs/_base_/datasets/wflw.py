# WFLW, 98 points: 7,500 faces to train, 2,500 to test, with six subsets.
_base_ = './landmark_crops.py'

data_root = 'data/wflw'

train_dataloader = dict(
    dataset=dict(type='WFLWDataset', data_root=data_root, split='train', pipeline=_base_.train_pipeline)
)
val_dataloader = dict(
    dataset=dict(type='WFLWDataset', data_root=data_root, split='test', test_mode=True, pipeline=_base_.test_pipeline)
)
test_dataloader = dict(dataset=val_dataloader['dataset'])
