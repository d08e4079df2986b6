# MiniFASNet with the Fourier branch of its training; crops of 80 x 80, BGR 0-255, label 1 = real.
version = 2
excite = False
image_size = 80
# The class of a face is one of this order (faceresearch/datasets/attribute_labels.py); 'binary/spoof' has two.
spoof_labels = 'minivision/spoof'

model = dict(
    type='AttributeModel',
    data_preprocessor=dict(type='FaceDataPreprocessor'),
    backbone=dict(type='MiniFASNet', version=version, excite=excite, image_size=image_size),
    # The original drops 0.2 in V1 and V2, 0.75 in the SE networks.
    dropout=0.75 if excite else 0.2,
    heads=dict(spoof=dict(type='ClassHead', labels=spoof_labels, bias=False, loss_weight=0.5)),
    auxiliary=dict(type='FourierBranch', loss_weight=0.5),
)

contract = dict(
    size=(image_size, image_size),
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on face anti-spoofing',
)
