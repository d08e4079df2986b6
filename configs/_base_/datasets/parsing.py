# Face parsing: what trainings and tests share, whichever data set it is. A data set's file inherits this one and adds the
# sets, their pipelines and what is particular to it.
class_order = 'bisenet'
batch_size = 8
num_workers = 4

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    drop_last=True,
    sampler=dict(type='EpochSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=num_workers,
    persistent_workers=num_workers > 0,
    sampler=dict(type='DefaultSampler', shuffle=False),
)
test_dataloader = dict(batch_size=8, num_workers=num_workers, sampler=dict(type='DefaultSampler', shuffle=False))
val_evaluator = dict(type='ParsingMetric')
test_evaluator = val_evaluator

contract = dict(
    size='any (height, width)',
    alignment='a face fills most of the image, as in CelebA-HQ',
    # Its class names are the labels.
    class_order=class_order,
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on face parsing',
)
