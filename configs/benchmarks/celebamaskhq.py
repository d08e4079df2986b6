# CelebAMask-HQ's test images by CelebA's split (2,824), 19 classes at 512 px. F1 without background.
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/celebamaskhq.py
#   a file   python tools/test.py configs/benchmarks/celebamaskhq.py --predictions P.npz
#   masks in the official order of classes: class_order=celebamask
data_root = 'data/CelebAMask-HQ'
split = 'test'
class_order = 'bisenet'
load = [dict(type='LoadImage'), dict(type='LoadFaceMask', fit='image')]
dataset = dict(
    type='CelebAMaskHQDataset', data_root=data_root, split=split, class_order=class_order, test_mode=True, pipeline=[]
)

test_dataloader = dict(
    batch_size=8,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset={
        **dataset,
        'pipeline': [*load, dict(type='ResizeForTest', rule='stretch', size=512), dict(type='PackFaceInputs')],
    },
)
truth = {**dataset, 'pipeline': [*load, dict(type='PackFaceInputs')]}
test_evaluator = dict(type='ParsingMetric', size=512, truth=truth)
test_cfg = dict(type='TestLoop')

default_scope = 'faceresearch'
benchmark = dict(task='parsing', data='CelebAMask-HQ test', protocol='F1 and IoU of all pixels together', images=2824)
