# MPIIFaceGaze as GazeHub prepares it: Image/ and Label/p00.label to p14.label; trained without one person, tested on it.
_base_ = './gaze360.py'

data_root = 'data/mpiifacegaze'
# The person who is left out, 0 to 14.
fold = 0
people = [f'Label/p{number:02d}.label' for number in range(15)]

train_dataloader = dict(
    dataset=dict(
        type='MPIIFaceGazeDataset',
        ann_file='',
        ann_files=[name for name in people if name != people[fold]],
        max_angle=42.0,
        data_root=data_root,
    )
)
val_dataloader = dict(
    dataset=dict(type='MPIIFaceGazeDataset', ann_file='', ann_files=[people[fold]], max_angle=42.0, data_root=data_root)
)
test_dataloader = dict(
    dataset=dict(type='MPIIFaceGazeDataset', ann_file='', ann_files=[people[fold]], max_angle=42.0, data_root=data_root)
)
