# 68 points in a table, as YouTube Faces' stills are distributed: <data_root>/keypoints.csv and images/. Errors by the outer
# corners of the eyes; the boxes are those of the points.
#   python tools/test.py landmark68_pfld_cunjian_300w CHECKPOINT --benchmark configs/benchmarks/ytf68.py
#   python tools/test.py configs/benchmarks/ytf68.py --predictions P.npz

data_root = 'data/ytf68'

dataset = dict(
    type='PointsCsvDataset', data_root=data_root, ann_file='keypoints.csv', img_dir='images', scheme='300w68'
)
test_dataloader = dict(
    batch_size=32,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(test_mode=True, **dataset),
)
test_cfg = dict(type='TestLoop')
test_evaluator = dict(type='LandmarkMetric', normalizer='interocular', dataset=dataset)

default_scope = 'faceresearch'
benchmark = dict(task='landmarks', data='YouTube Faces stills, 68 points', protocol='NME by the outer eye corners')
