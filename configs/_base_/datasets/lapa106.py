# LaPa, 106 points: 18,168 faces to train, 2,000 to validate, 2,000 to test.
_base_ = './landmark_crops.py'

data_root = 'data/LaPa'
# Order of the points: 'lapa106' is the data set's own, 'insightface106' that of insightface's models.
scheme_of_data = None

train_dataloader = dict(
    dataset=dict(
        type='PointFilesDataset',
        data_root=f'{data_root}/train',
        convert_to=scheme_of_data,
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='PointFilesDataset',
        data_root=f'{data_root}/val',
        convert_to=scheme_of_data,
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = dict(dataset={**val_dataloader['dataset'], 'data_root': f'{data_root}/test'})
