# What judging pairs of faces has in common: the depth of the report, and how faces are shown to the model.
# Figures: 'quick' accuracy, AUC and TAR; 'base' with intervals; 'full' with plots.
depth = 'base'
fars = [1e-3]
num_folds = 10
# Folder for plots; they are drawn at any depth if it is given.
plots_dir = None
# A text file of image names, one a line, whose pairs are left out.
exclude = None
# A model's embedding of the mirrored face: 'sum', 'concat' or 'none'. None leaves it to the model's config.
flip_test = 'sum'
# With a model: side or [height, width] of the crops; its contract's size by default.
image_size = 112
batch_size = 64
num_workers = 2
key_prefix = 'pairs'

test_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        exclude=exclude,
        test_mode=True,
        pipeline=[dict(type='LoadImage'), dict(type='AlignFace', size=image_size), dict(type='PackFaceInputs')],
    ),
)
test_cfg = dict(type='TestLoop')
test_evaluator = dict(
    type='VerificationMetric',
    prefix=key_prefix,
    num_folds=num_folds,
    fars=fars,
    depth=depth,
    exclude=exclude,
    plots_dir=plots_dir,
)
