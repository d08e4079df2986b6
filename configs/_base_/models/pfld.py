# PFLD: three maps' means to coordinates, 0…1 over a crop of 112 px, BGR 0…1.
scheme = '300w68'
flip_test = False  # average with the mirrored crop

model = dict(
    type='CoordinateLandmarker',
    scheme=scheme,
    data_preprocessor=dict(
        type='FaceDataPreprocessor', mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0), channels_last=True
    ),
    backbone=dict(type='PFLD'),
    head=dict(
        type='CoordinateHead',
        # The first map is the pose branch's.
        levels=(1, 2, 3),
        codec=dict(type='CoordinateCodec', low=0.0, high=1.0),
        loss=dict(type='WingLoss', width=10.0, curvature=2.0),
    ),
    flip_test=flip_test,
)
