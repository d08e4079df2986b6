# Gaze from the strip of the eyes, for trainings of minutes on a CPU: an iResNet of a quarter of the channels, half the size
# from the first layer on; 60 bins of 3 degrees.
_base_ = './gaze.py'

bins = 60
bin_width = 3.0
bin_start = -90.0
bin_centre = True
# Height and width.
image_size = (64, 160)
# Of the squared error in degrees; with 1 it drowns the cross entropy.
squared_weight = 0.01

model = dict(
    data_preprocessor=dict(channels_last=True),
    backbone=dict(
        _delete_=True,
        type='IResNet',
        depth=10,
        width=16,
        stem_stride=2,
        embedding_size=128,
        init='kaiming',
        input_size=image_size,
    ),
    heads=dict(yaw=dict(alpha=squared_weight), pitch=dict(alpha=squared_weight)),
)
contract = dict(alignment='the strip of the eyes of the face box: CropFacePart of the test pipeline')
