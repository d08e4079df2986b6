# CelebA-Spoof, intra test: crops around the annotated boxes.
_base_ = './spoof_folders.py'

data_root = 'data/CelebA_Spoof'
batch_size = 256
num_workers = 4

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CelebASpoofDataset',
        data_root=data_root,
        ann_file='metas/intra_test/train_label.json',
        labels=_base_.spoof_labels,
        pipeline=_base_.train_dataloader.dataset.pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CelebASpoofDataset',
        data_root=data_root,
        ann_file='metas/intra_test/test_label.json',
        labels=_base_.spoof_labels,
        test_mode=True,
        pipeline=_base_.val_dataloader.dataset.pipeline,
    )
)
test_dataloader = val_dataloader
