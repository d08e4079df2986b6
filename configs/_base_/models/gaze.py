# Gaze as MobileGaze has it: two heads of bins on the pooled feature, yaw first. Angles in degrees.
# Gaze360 has 90 bins of 4 degrees from -180, MPIIFaceGaze 28 of 3 from -42.
bins = 90
bin_width = 4.0
bin_start = -180.0
# The value of a bin is its left edge, as the origins have it; True takes its middle.
bin_centre = False
image_size = 448

angle = dict(type='BinnedHead', bins=bins, width=bin_width, start=bin_start, centre=bin_centre)
model = dict(
    type='AttributeModel',
    data_preprocessor=dict(
        type='FaceDataPreprocessor', mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), bgr_to_rgb=True
    ),
    backbone=dict(type='ResNet', depth=18, out_stages=(4,), pretrained='torchvision'),
    heads=dict(yaw=angle, pitch=angle),
)
contract = dict(
    size=(image_size, image_size) if isinstance(image_size, int) else image_size,
    # Radians and degrees, yaw and pitch are exchanged in half of the field's code.
    angles='degrees; yaw > 0: towards the left of the image; pitch > 0: upwards',
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on gaze estimation',
)
