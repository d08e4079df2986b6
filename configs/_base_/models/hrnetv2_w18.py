# HRNetV2-W18 with a heatmap for each point, after mmpose's face recipes. Input and heatmap size, the head's decoder and
# both pipelines follow `codec`; the number of points is `num_points`.
codec = dict(
    type='MSRAHeatmap',
    input_size=(256, 256),
    heatmap_size=(64, 64),
    sigma=2,
    # Zhang et al., CVPR 2020 (DARK), as the published weights are decoded: whole-pixel targets would cost up to 2 px.
    unbiased=True,
)
num_points = 28
flip_test = False  # average with the heatmaps of the mirror image
pretrained = None  # ImageNet weights of the backbone: open-mmlab://msra/hrnetv2_w18, or a file

model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type='HRNet',
        in_channels=3,
        extra=dict(
            stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4,), num_channels=(64,)),
            stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(4, 4), num_channels=(18, 36)),
            stage3=dict(num_modules=4, num_branches=3, block='BASIC', num_blocks=(4, 4, 4), num_channels=(18, 36, 72)),
            stage4=dict(
                num_modules=3,
                num_branches=4,
                block='BASIC',
                num_blocks=(4, 4, 4, 4),
                num_channels=(18, 36, 72, 144),
                multiscale_output=True,
            ),
            # As the published weights were trained; it has no parameters, so nothing would warn of another choice.
            upsample=dict(mode='bilinear', align_corners=False),
        ),
        init_cfg=dict(type='Pretrained', checkpoint=pretrained) if pretrained else None,
    ),
    neck=dict(type='FeatureMapProcessor', concat=True),
    head=dict(
        type='HeatmapHead',
        in_channels=270,
        out_channels=num_points,
        deconv_out_channels=None,
        conv_out_channels=(270,),
        conv_kernel_sizes=(1,),
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
        decoder=codec,
    ),
    # The mirrored heatmap is shifted by a pixel, as for all published weights.
    test_cfg=dict(flip_test=flip_test, flip_mode='heatmap', shift_heatmap=True),
)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_prob=0, rotate_factor=60, scale_factor=(0.75, 1.25)),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]

contract = dict(
    size=codec['input_size'],
    alignment='face box, grown by 1.25 about its centre to a square',
    labels=['face'],
    licences=dict(code='Apache-2.0', weights=None, data=None),
    intended_use='research on landmarks of faces',
)
