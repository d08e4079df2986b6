# PFLD, 68 points, 300-W, tested in crops of three scales and mirrored: points are averaged.
#   test    python tools/test.py configs/landmark68/landmark68_pfld_300w_multiscale.py CHECKPOINT
_base_ = './landmark68_pfld_300w.py'

# More around the face than the network takes, at the same pixels: what the wider crops show.
shown = 144
flip_test = True
model = dict(test_aug=dict(type='LandmarkMultiScale', size=_base_.image_size, scales=(0.9, 1.0, 1.1)))
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='CropFace', size=shown, padding=_base_.padding * shown / _base_.image_size),
    dict(type='PackFaceInputs'),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
