# TinyFace: rank-1, 5 and 20 among gallery and 153,428 distractors. Align the images first (tools/align_faces.py).
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/tinyface.py
#   a file   python tools/test.py configs/benchmarks/tinyface.py --predictions P.npz
data_root = 'data/tinyface'
img_dir = 'Testing_Set'
exclude = None
flip_test = 'sum'
image_size = 112

test_dataloader = dict(
    batch_size=64,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='TinyFaceDataset',
        data_root=data_root,
        img_dir=img_dir,
        exclude=exclude,
        pipeline=[dict(type='LoadImage'), dict(type='AlignFace', size=image_size), dict(type='PackFaceInputs')],
    ),
)
test_evaluator = dict(type='TinyFaceMetric', prefix='tinyface', exclude=exclude)

default_scope = 'faceresearch'
benchmark = dict(task='recognition', data='TinyFace', protocol='search, cosine', ranks=(1, 5, 20))
