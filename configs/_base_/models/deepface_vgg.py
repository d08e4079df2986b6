# DeepFace's age, gender and race: one layer on VGG-Face's features; BGR, 0...1, letterboxed in black. Children name the head.
image_size = 224
# VGG-Face to start from: vgg_face_weights.pth, or a converted file.
pretrained = None

model = dict(
    type='AttributeModel',
    data_preprocessor=dict(type='FaceDataPreprocessor', std=(255.0, 255.0, 255.0)),
    backbone=dict(type='VGGFaceNet', embedding_size=4096, dropout=0.5, pretrained=pretrained),
    dropout=0.5,
    heads=dict(),
)
contract = dict(
    size=(image_size, image_size),
    alignment='box, not warped; letterboxed in black',
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on face attributes',
)
