# What recognisers of aligned faces share: class, input as InsightFace has it (RGB, -1...1), contract. A head comes with the data.
model = dict(
    type='FaceRecognizer',
    data_preprocessor=dict(
        type='FaceDataPreprocessor', mean=(127.5, 127.5, 127.5), std=(127.5, 127.5, 127.5), bgr_to_rgb=True
    ),
)

contract = dict(
    size=(112, 112),
    alignment='arcface 112x112',
    embedding_size=512,
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on face recognition',
)
