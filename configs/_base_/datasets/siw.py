# Spoof in the Wild by one of its three protocols: frames of its videos (frames/003-1-2-1-1/*.png), and two lists of their
# names, train.txt and test.txt, of the official training and test subjects.
_base_ = './spoof_folders.py'

data_root = 'data/siw'
# 1: the first 60 frames train; 2: the replay medium `left_out` (1 to 4) is unseen; 3: `left_out` is 'print' or 'replay'.
protocol = 1
left_out = {1: None, 2: 1, 3: 'replay'}[protocol]
train_frames = 10
test_frames = 10
batch_size = 256
num_workers = 4

all_attacks = ['print', 'replay']
train_attacks = {1: all_attacks, 2: ['replay'], 3: [name for name in all_attacks if name != left_out]}[protocol]
test_attacks = {1: all_attacks, 2: ['replay'], 3: [left_out]}[protocol]
train_media = [number for number in [1, 2, 3, 4] if number != left_out] if protocol == 2 else None
test_media = [left_out] if protocol == 2 else None

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SiWDataset',
        data_root=data_root,
        ann_file='train.txt',
        split='train',
        first=60 if protocol == 1 else None,
        frames=train_frames,
        media=train_media,
        attacks=train_attacks,
        labels=_base_.spoof_labels,
        pipeline=_base_.train_dataloader.dataset.pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SiWDataset',
        data_root=data_root,
        ann_file='test.txt',
        frames=test_frames,
        media=test_media,
        attacks=test_attacks,
        labels=_base_.spoof_labels,
        test_mode=True,
        pipeline=_base_.val_dataloader.dataset.pipeline,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(by_video=True)
test_evaluator = val_evaluator
