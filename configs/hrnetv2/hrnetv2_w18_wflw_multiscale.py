# HRNetV2-W18 on WFLW, tested in crops of three scales and mirrored: points are averaged.
#   test    python tools/test.py configs/hrnetv2/hrnetv2_w18_wflw_multiscale.py CHECKPOINT
_base_ = './hrnetv2_w18_wflw.py'

# More around the face than the network takes, at the same pixels: what the wider crops show.
shown = 288
input_size = _base_.codec['input_size']
model = dict(
    type='faceresearch.MultiScaleTopdown',
    test_aug=dict(type='faceresearch.LandmarkMultiScale', size=input_size, scales=(0.9, 1.0, 1.1)),
)
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale', padding=1.25 * shown / input_size[0]),
    dict(type='TopdownAffine', input_size=(shown, shown)),
    dict(type='PackPoseInputs'),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
