# XSeg of DeepFaceLab: a U-net with filter response norm and a dense bottleneck; BGR images of 256 px, 0...1.
model = dict(
    type='FaceParser',
    data_preprocessor=dict(
        type='FaceDataPreprocessor', mean=(0, 0, 0), std=(255, 255, 255), bgr_to_rgb=False, channels_last=True
    ),
    backbone=dict(type='XSegNet', channels=32, bottleneck=512),
    head=dict(type='FaceMaskHead'),
)
