# CelebAMask-HQ as faces and everything else, for XSeg: the whole image at 256 px, turned, scaled, shifted, blurred.
_base_ = './parsing.py'

data_root = 'data/CelebAMask-HQ'
train_split = 'train'
val_split = 'val'
test_split = 'test'
class_order = 'face'
# The classes that are face; what hides it (hair, hat) and what surrounds it (ears, neck, cloth) is not.
face_parts = ('skin', 'l_brow', 'r_brow', 'l_eye', 'r_eye', 'eye_g', 'nose', 'mouth', 'u_lip', 'l_lip')
image_size = 256
batch_size = 4

train_dataloader = dict(
    dataset=dict(
        type='CelebAMaskHQDataset',
        data_root=data_root,
        split=train_split,
        class_order=class_order,
        face_parts=face_parts,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='LoadFaceMask', fit='image'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomSimilarity', size=image_size, angle=10.0, scale=(0.95, 1.05), shift=0.05),
            dict(type='RandomHSV', hue=0.05, saturation=0.3, value=0.3),
            dict(type='RandomLowResolution', prob=0.25, ratio=(0.25, 1.0)),
            dict(type='PackFaceInputs'),
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='CelebAMaskHQDataset',
        data_root=data_root,
        split=val_split,
        class_order=class_order,
        face_parts=face_parts,
        test_mode=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='LoadFaceMask', fit='image'),
            dict(type='ResizeForTest', rule='stretch', size=image_size),
            dict(type='PackFaceInputs'),
        ],
    ),
)
test_dataloader = dict(
    dataset={**val_dataloader['dataset'], 'split': test_split},
)
val_evaluator = dict(type='FaceMaskMetric')
test_evaluator = val_evaluator

contract = dict(size=(image_size, image_size), intended_use='research on occlusions of faces')
