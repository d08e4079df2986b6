# ViT-T of insightface's arcface_torch; S: width 512, B: 512 and depth 24, L: 768 and 24.
_base_ = './face_recognizer.py'

model = dict(
    backbone=dict(
        type='FaceViT',
        width=256,
        depth=12,
        heads=8,
        embedding_size=512,
        drop_path=0.1,
        mask_ratio=0.1,
        activation_checkpointing=False,
        pretrained=None,
    )
)
