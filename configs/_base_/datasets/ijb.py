# IJB-B and IJB-C for evaluation only: loose crops aligned by five points, templates, pairs and galleries.
data_root = 'data/ijbc'
# The protocol's files are <data_root>/meta/<prefix>_face_tid_mid.txt and so on, or lie in data_root itself.
prefix = 'ijbc'
key_prefix = 'ijbc'
# Add the mirror image's feature; let a feature's length count; weigh images by the detector's score.
use_flip = True
use_norm_score = True
use_detector_score = True
# Features hold those of image and mirror image side by side; 'none' or 'sum' if there is one half only.
flip_test = 'concat'
# Figures: 'quick' TAR and AUC; 'base' with intervals; 'full' with search in the galleries and plots.
depth = 'base'
plots_dir = None
# A text file of image names, one a line, that do not count.
exclude = None
image_size = 112
batch_size = 64
num_workers = 2

test_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='IJBDataset',
        data_root=data_root,
        files_prefix=prefix,
        exclude=exclude,
        test_mode=True,
        pipeline=[dict(type='LoadImage'), dict(type='AlignFace', size=image_size), dict(type='PackFaceInputs')],
    ),
)
test_cfg = dict(type='TestLoop')
test_evaluator = dict(
    type='IJBMetric',
    prefix=key_prefix,
    data_root=data_root,
    files_prefix=prefix,
    use_flip=use_flip,
    use_norm_score=use_norm_score,
    use_detector_score=use_detector_score,
    halves=flip_test == 'concat',
    depth=depth,
    exclude=exclude,
    plots_dir=plots_dir,
)
