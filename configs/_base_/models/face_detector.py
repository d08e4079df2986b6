# What every single-stage face detector shares: its class and the contract of its input and output.
model = dict(type='SingleStageDetector', data_preprocessor=dict(type='FaceDataPreprocessor', channels_last=True))

contract = dict(
    size='any (height, width)',
    alignment=None,
    labels=['face'],
    landmarks=['left eye', 'right eye', 'nose', 'left mouth corner', 'right mouth corner'],
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on face detection',
)
