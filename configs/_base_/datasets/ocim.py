# OCIM: trained on three of OULU-NPU, CASIA-FASD, Replay-Attack (Idiap) and MSU-MFSD, tested on the fourth, all of it.
# <data_root>/<domain>.txt lists its frames or folders of frames: a path and 1 (real) or 0 (attack) to a line.
_base_ = './spoof_folders.py'

data_root = 'data/ocim'
spoof_labels = 'binary/spoof'
# The domain that is not trained on: 'oulu', 'casia', 'replay' or 'msu'. O&C&I to M leaves 'msu' out.
left_out = 'msu'
domains = ['oulu', 'casia', 'replay', 'msu']
# Frames of a folder; one is usual in training.
train_frames = 1
test_frames = 10
batch_size = 64
num_workers = 4

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SpoofListDataset',
        data_root=data_root,
        domains={name: f'{name}.txt' for name in domains if name != left_out},
        split='train',
        frames=train_frames,
        labels=spoof_labels,
        pipeline=_base_.train_dataloader.dataset.pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SpoofListDataset',
        data_root=data_root,
        domains={left_out: f'{left_out}.txt'},
        frames=test_frames,
        labels=spoof_labels,
        test_mode=True,
        pipeline=_base_.val_dataloader.dataset.pipeline,
    )
)
test_dataloader = val_dataloader
# Published half total error rates are mostly those at the equal-error threshold of the test set itself: spoof/eer here.
val_evaluator = dict(labels=spoof_labels, by_video=True, apcer_levels=[0.01])
test_evaluator = val_evaluator
