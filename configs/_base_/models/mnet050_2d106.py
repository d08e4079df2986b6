# insightface's 2d106: MobileNet ×0.5 on crops of 192 px, RGB, (x − 127.5) / 128; coordinates −1…1 over the crop.
scheme = 'insightface106'
flip_test = False  # average with the mirrored crop

model = dict(
    type='CoordinateLandmarker',
    scheme=scheme,
    data_preprocessor=dict(
        type='FaceDataPreprocessor',
        mean=(127.5, 127.5, 127.5),
        std=(128.0, 128.0, 128.0),
        bgr_to_rgb=True,
        channels_last=True,
    ),
    backbone=dict(type='MobileNet2D106'),
    head=dict(
        type='CoordinateHead',
        # The whole map of a crop of 192 px.
        feature_size=(3, 3),
        codec=dict(type='CoordinateCodec', low=-1.0, high=1.0),
        loss=dict(type='WingLoss', width=10.0, curvature=2.0),
    ),
    flip_test=flip_test,
)
