# WIDER FACE validation set for evaluation only: its images, and the official protocol with its variations.
data_root = 'data/widerface'
# With stored predictions: pass over images that the file lacks. Otherwise they have no detections.
subset = False
# Other evaluators and their writers: 'wondervictor' or 'scrfd'; 'truncate' or 'round'; 3.
compat = 'official'
box_quantize = None
score_decimals = None
# Folder for the precision-recall curves.
plots_dir = None
resize = 'original'
test_size = 640
num_workers = 2

test_dataloader = dict(
    batch_size=1,
    num_workers=num_workers,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='WiderFaceDataset',
        data_root=data_root,
        ann_file='wider_face_split/wider_face_val.mat',
        img_dir='WIDER_val/images',
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='SanitizeBoxes'),
            dict(type='ResizeForTest', rule=resize, size=test_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_cfg = dict(type='TestLoop')
test_evaluator = dict(
    type='WiderFaceMetric',
    ground_truth=f'{data_root}/ground_truth',
    compat=compat,
    box_quantize=box_quantize,
    score_decimals=score_decimals,
    subset=subset,
    plots_dir=plots_dir,
)
