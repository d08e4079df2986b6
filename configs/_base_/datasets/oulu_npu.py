# OULU-NPU by one of its four protocols: frames of its videos (frames/1_1_01_1/*.png), Protocols/ as distributed. The error
# rates are those of videos, at the threshold where both are equal on the development list.
_base_ = './spoof_folders.py'

data_root = 'data/oulu_npu'
# 1: unseen session, 2: unseen attack instruments, 3: unseen camera, 4: all. 3 and 4 have six folds.
protocol = 1
fold = 1
suffix = f'_{fold}' if protocol > 2 else ''
lists = f'Protocols/Protocol_{protocol}'
# Frames of each video.
train_frames = 10
test_frames = 10
batch_size = 256
num_workers = 4

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='OuluNpuDataset',
        data_root=data_root,
        ann_file=f'{lists}/Train{suffix}.txt',
        split='train',
        frames=train_frames,
        labels=_base_.spoof_labels,
        pipeline=_base_.train_dataloader.dataset.pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='OuluNpuDataset',
        data_root=data_root,
        ann_file=f'{lists}/Test{suffix}.txt',
        dev_file=f'{lists}/Dev{suffix}.txt',
        frames=test_frames,
        labels=_base_.spoof_labels,
        test_mode=True,
        pipeline=_base_.val_dataloader.dataset.pipeline,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(threshold='dev_eer', by_video=True)
test_evaluator = val_evaluator
