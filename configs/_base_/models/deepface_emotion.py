# DeepFace's emotion network: a grey face of 48 x 48, 0...1.
image_size = 48

model = dict(
    type='AttributeModel',
    data_preprocessor=dict(type='FaceDataPreprocessor', mean=(0.0,), std=(255.0,), grey=True),
    backbone=dict(type='DeepFaceEmotionNet', dropout=0.2, pretrained=None),
    dropout=0.2,
    heads=dict(emotion=dict(type='ClassHead', labels='deepface/emotion')),
)
contract = dict(
    size=(image_size, image_size),
    alignment='box, not warped; letterboxed to 224 in black, then resized',
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on facial expressions',
)
