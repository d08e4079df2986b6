# 300-W, 68 points: 3,148 faces to train, 689 to test (common and challenge, which the metric reports as subsets).
_base_ = './landmark_crops.py'

data_root = 'data/300w'
val_split = 'full'

train_dataloader = dict(
    dataset=dict(type='IBUG300WDataset', data_root=data_root, split='train', pipeline=_base_.train_pipeline)
)
val_dataloader = dict(
    dataset=dict(
        type='IBUG300WDataset', data_root=data_root, split=val_split, test_mode=True, pipeline=_base_.test_pipeline
    )
)
test_dataloader = dict(dataset=val_dataloader['dataset'])
