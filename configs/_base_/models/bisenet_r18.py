# BiSeNet of zllrunning and yakhyo: ResNet-18, context path with attention, three outputs.
num_classes = 19

model = dict(
    type='FaceParser',
    data_preprocessor=dict(
        type='FaceDataPreprocessor',
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        bgr_to_rgb=True,
        channels_last=True,
    ),
    backbone=dict(type='ResNet', depth=18, pretrained='torchvision'),
    neck=dict(type='BiSeNetNeck', channels=128, out_channels=256),
    head=dict(
        type='BiSeNetHead',
        num_classes=num_classes,
        loss=dict(type='OHEMCrossEntropy', threshold=0.7, min_kept=16),
    ),
    # 'all' adds the auxiliary outputs.
    outputs='main',
    # As published: the best class at the network's size, then the nearest pixel. 'logits' gives smoother outlines.
    resize='labels',
)
