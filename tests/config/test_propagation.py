"""What is derived from a variable follows it, whoever changes it: a child file or the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.config import Config

from faceresearch.config import load_config
from faceresearch.errors import UserError

Write = Callable[[str, str], Path]

BASE = """
    data_root = 'data'
    batch_size = 8
    max_epochs = 100
    image_size = 256
    milestones = [max_epochs * 7 // 10, max_epochs * 9 // 10]
    codec = dict(type='MSRA', input_size=(image_size, image_size), sigma=2)
    train_pipeline = [dict(type='Load', root=data_root + '/images'), dict(type='Resize', size=codec['input_size'])]
    model = dict(type='M', head=dict(type='H', decoder=codec, classes=1))
    train_dataloader = dict(batch_size=batch_size, dataset=dict(data_root=data_root, pipeline=train_pipeline))
    test_dataloader = train_dataloader
    train_cfg = dict(max_epochs=max_epochs, val_interval=1)
    param_scheduler = [dict(type='MultiStepLR', milestones=milestones)]
    """


def load(write: Write, child: str = '', *overrides: str, base: str = BASE) -> Config:
    write('base.py', base)
    return load_config(write('child.py', f"_base_ = './base.py'\n{child}"), overrides)


@pytest.mark.parametrize('by', ['child', 'command line'])
def test_a_scalar_reaches_all_that_is_derived_from_it(by: str, write: Write) -> None:
    cfg = load(write, "data_root = '/x'") if by == 'child' else load(write, '', 'data_root=/x')
    assert cfg.data_root == '/x'
    assert cfg.train_pipeline[0].root == '/x/images'
    assert cfg.train_dataloader.dataset.data_root == '/x'
    assert cfg.train_dataloader.dataset.pipeline[0].root == '/x/images'
    assert cfg.test_dataloader == cfg.train_dataloader


@pytest.mark.parametrize('by', ['child', 'command line'])
def test_a_nested_key_of_a_variable_reaches_all_that_holds_it(by: str, write: Write) -> None:
    child = 'codec = dict(input_size=(384, 384))' if by == 'child' else ''
    cfg = load(write, child, *(['codec.input_size=[384,384]'] if by == 'command line' else []))
    assert cfg.codec == {'type': 'MSRA', 'input_size': (384, 384), 'sigma': 2}
    assert cfg.model.head.decoder == cfg.codec
    assert cfg.train_pipeline[1].size == (384, 384)
    assert cfg.test_dataloader.dataset.pipeline[1].size == (384, 384)


def test_derived_of_derived(write: Write) -> None:
    cfg = load(write, '', 'max_epochs=10', 'image_size=64')
    assert cfg.milestones == [7, 9]
    assert cfg.param_scheduler[0].milestones == [7, 9]
    assert cfg.train_cfg == {'max_epochs': 10, 'val_interval': 1}
    assert cfg.model.head.decoder.input_size == (64, 64)


def test_a_derived_variable_may_itself_be_set(write: Write) -> None:
    cfg = load(write, 'milestones = [1, 2]', 'max_epochs=10')
    assert cfg.param_scheduler[0].milestones == [1, 2]
    assert cfg.train_cfg.max_epochs == 10


def test_what_the_child_sets_itself_wins_over_what_the_base_derives(write: Write) -> None:
    cfg = load(write, 'train_cfg = dict(max_epochs=5)\nmax_epochs = 50', 'max_epochs=20')
    assert cfg.max_epochs == 20
    assert cfg.milestones == [14, 18]
    assert cfg.train_cfg == {'max_epochs': 5, 'val_interval': 1}


def test_lines_of_the_child_follow_too(write: Write) -> None:
    child = "image_size = 128\nval_pipeline = [dict(type='Resize', size=(image_size, image_size))]"
    assert load(write, child).val_pipeline[0].size == (128, 128)
    assert load(write, child, 'image_size=32').val_pipeline[0].size == (32, 32)
    assert load(write, child, 'image_size=32').codec.input_size == (32, 32)


def test_delete_replaces_the_variable_everywhere(write: Write) -> None:
    cfg = load(write, "codec = dict(_delete_=True, type='SimCC', input_size=(1, 2))")
    assert cfg.codec == {'type': 'SimCC', 'input_size': (1, 2)}
    assert cfg.model.head.decoder == {'type': 'SimCC', 'input_size': (1, 2)}
    assert cfg.train_pipeline[1].size == (1, 2)


def test_lists_are_replaced(write: Write) -> None:
    cfg = load(write, "train_pipeline = [dict(type='Only')]")
    assert cfg.train_dataloader.dataset.pipeline == [{'type': 'Only'}]


def test_three_levels_the_outermost_wins(write: Write) -> None:
    write('base.py', BASE)
    write('middle.py', "_base_ = 'base.py'\nimage_size = 128\ncodec = dict(sigma=3)\nmiddle = image_size")
    leaf = write('leaf.py', "_base_ = 'middle.py'\nimage_size = 512\ncodec = dict(unbiased=True)")
    cfg = load_config(leaf)
    assert cfg.middle == 512
    assert cfg.model.head.decoder == {'type': 'MSRA', 'input_size': (512, 512), 'sigma': 3, 'unbiased': True}
    cfg = load_config(leaf, ['image_size=16', 'codec.sigma=9'])
    assert cfg.middle == 16
    assert cfg.model.head.decoder == {'type': 'MSRA', 'input_size': (16, 16), 'sigma': 9, 'unbiased': True}


def test_a_value_computed_from_the_bases_own_is_computed_once(write: Write) -> None:
    cfg = load(write, 'max_epochs = _base_.max_epochs * 2\nhalf = max_epochs // 2')
    assert (cfg.max_epochs, cfg.half, cfg.train_cfg.max_epochs, cfg.milestones) == (200, 100, 200, [140, 180])
    cfg = load(write, 'max_epochs = {{_base_.max_epochs}} * 2', 'max_epochs=10')
    assert (cfg.max_epochs, cfg.milestones) == (10, [7, 9])


def test_reading_the_base_sees_the_childs_other_changes(write: Write) -> None:
    child = """
image_size = 64
data_root = '/y'
train_pipeline = [*_base_.train_pipeline, dict(type='Flip')]
val_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline[:2]))
codec = dict(_base_.codec, sigma=5)
"""
    cfg = load(write, child)
    assert [t.type for t in cfg.train_pipeline] == ['Load', 'Resize', 'Flip']
    assert cfg.train_pipeline[0].root == '/y/images'
    assert cfg.train_pipeline[1].size == (64, 64)
    assert cfg.train_dataloader.dataset.pipeline == cfg.train_pipeline
    assert cfg.val_dataloader.dataset.pipeline[1].size == (64, 64)
    assert cfg.model.head.decoder == {'type': 'MSRA', 'input_size': (64, 64), 'sigma': 5}
    assert load(write, child, 'image_size=8').val_dataloader.dataset.pipeline[1].size == (8, 8)


def test_a_circle_through_the_base_is_an_error(write: Write) -> None:
    with pytest.raises(UserError, match='keep changing'):
        load(write, 'old = _base_.train_cfg.max_epochs\nmax_epochs = old + 1')


def test_adding_and_deleting_reach_what_is_derived(write: Write) -> None:
    cfg = load(write, '', '+codec.unbiased=true', '~codec.sigma', '+model.neck.type=N')
    assert cfg.model.head.decoder == {'type': 'MSRA', 'input_size': (256, 256), 'unbiased': True}
    assert cfg.model.neck == {'type': 'N'}


def test_list_items_are_deleted_and_added_once(write: Write) -> None:
    base = BASE + "\n    train_pipeline.append(dict(type='Pack'))\n    last = train_pipeline[-1]"
    cfg = load(write, '', '~train_pipeline.0', '+train_pipeline.2={type:End}', base=base)
    assert [t.type for t in cfg.train_pipeline] == ['Resize', 'Pack', 'End']
    cfg = load(write, '', '~train_dataloader.dataset.pipeline.0')
    assert [t.type for t in cfg.train_dataloader.dataset.pipeline] == ['Resize']
    assert [t.type for t in cfg.train_pipeline] == ['Load', 'Resize']


def test_an_override_of_a_derived_key_touches_only_that(write: Write) -> None:
    cfg = load(write, '', 'train_dataloader.dataset.pipeline.1.size=[1,1]', 'model.head.decoder.sigma=7')
    assert cfg.train_pipeline[1].size == (256, 256)
    assert cfg.codec.sigma == 2
    assert (cfg.train_dataloader.dataset.pipeline[1].size, cfg.model.head.decoder.sigma) == ((1, 1), 7)


def test_the_last_override_wins(write: Write) -> None:
    assert load(write, '', 'batch_size=1', 'batch_size=2').train_dataloader.batch_size == 2
    assert load(write, '', 'train_dataloader.batch_size=1', 'batch_size=2').train_dataloader.batch_size == 1


def test_an_override_may_need_an_earlier_one(write: Write) -> None:
    base = 'n = 1\nheads = [dict(width=8) for _ in range(n)]'
    cfg = load(write, '', 'n=3', 'heads.2.width=4', base=base)
    assert [h.width for h in cfg.heads] == [8, 8, 4]
    with pytest.raises(UserError, match='list of 1 items'):
        load(write, '', 'heads.2.width=4', 'n=3', base=base)


def test_statements_after_the_assignment_do_not_undo_a_change(write: Write) -> None:
    base = """
    lr = 0.1
    if lr > 1:
        scaled = True
        warm = lr / 10
    else:
        scaled = False
        warm = lr
    lr = lr * 2
    steps = [1]
    for i in range(2):
        steps.append(i)
    model = dict(width=8)
    model['depth'] = model['width'] * 2
    optim = dict(lr=lr, steps=steps)
    """
    plain = load(write, base=base)
    assert (plain.lr, plain.steps, plain.model) == (0.2, [1, 0, 1], {'width': 8, 'depth': 16})
    cfg = load(write, 'steps = [5]', 'lr=4.0', 'model.width=1', base=base)
    assert (cfg.lr, cfg.scaled, cfg.warm) == (4.0, True, 0.4)
    assert cfg.optim == {'lr': 4.0, 'steps': [5]}
    assert cfg.model == {'width': 1, 'depth': 2}


def test_loop_variables_and_private_names_stay_in_their_file(write: Write) -> None:
    base = '_n = 2\nwidths = []\nfor i in range(_n + 1):\n    widths.append(i)'
    cfg = load(write, '_n = 7\nothers = []\nfor i in (5, 6):\n    others.append(i)', base=base)
    assert cfg.widths == [0, 1, 2]
    assert cfg.others == [5, 6]
    assert 'i' not in cfg


def test_a_change_reaches_variables_of_another_packages_config(write: Write) -> None:
    path = write('c.py', "_base_ = 'mmdet::yolo/yolov3_d53_8xb8-ms-608-273e_coco.py'\ndata_root = 'mine/'")
    cfg = load_config(path)
    assert cfg.train_dataloader.dataset.data_root == 'mine/'
    assert cfg.val_evaluator.ann_file == 'mine/annotations/instances_val2017.json'
    assert cfg.model._scope_ == 'mmdet'


# The two customisation examples of documents/anime_face_models.md, on stand-ins for the configs they inherit from.
YOLOV3 = """
    test_pipeline = [
        dict(type='LoadImageFromFile', backend_args=None),
        dict(type='Resize', scale=(608, 608), keep_ratio=True),
        dict(type='Pad', size=(608, 608), pad_val=dict(img=(114, 114, 114))),
        dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
    ]
    model = dict(type='YOLOV3', test_cfg=dict(nms_pre=1000, score_thr=0.05, nms=dict(type='nms', iou_threshold=0.45)))
    test_dataloader = dict(batch_size=1, dataset=dict(type='CocoDataset', pipeline=test_pipeline))
    """
YOLOV3_CUSTOM = """
# Change input size
test_pipeline = [
    dict(type='LoadImageFromFile', backend_args=None),
    dict(type='Resize', scale=(416, 416), keep_ratio=True),  # 608→416
    dict(type='Pad', size=(416, 416), pad_val=dict(img=(114, 114, 114))),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]

# Change score threshold
model = dict(
    test_cfg=dict(
        score_thr=0.3,  # 0.05→0.3 (high confidence only)
    ),
)
"""
HRNETV2 = """
    codec = dict(type='MSRAHeatmap', input_size=(256, 256), heatmap_size=(64, 64), sigma=2)
    model = dict(type='TopdownPoseEstimator', head=dict(type='HeatmapHead', out_channels=28, decoder=codec))
    train_pipeline = [
        dict(type='LoadImage'),
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
    train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
    test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
    """
HRNETV2_CUSTOM = """
# Change input size
codec = dict(
    type='MSRAHeatmap',
    input_size=(384, 384),  # 256→384 (higher resolution)
    heatmap_size=(96, 96),  # 64→96
    sigma=3,                # 2→3
)

# Update test pipeline
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]
"""


def test_yolov3_customisation_example(write: Write) -> None:
    cfg = load(write, YOLOV3_CUSTOM, base=YOLOV3)
    pipeline = cfg.test_dataloader.dataset.pipeline
    assert pipeline[1].scale == (416, 416)
    assert pipeline[2].size == (416, 416)
    assert cfg.model.test_cfg == {'nms_pre': 1000, 'score_thr': 0.3, 'nms': {'type': 'nms', 'iou_threshold': 0.45}}


def test_hrnetv2_customisation_example(write: Write) -> None:
    cfg = load(write, HRNETV2_CUSTOM, base=HRNETV2)
    wanted = {'type': 'MSRAHeatmap', 'input_size': (384, 384), 'heatmap_size': (96, 96), 'sigma': 3}
    assert cfg.model.head.decoder == wanted
    assert cfg.train_dataloader.dataset.pipeline[1].input_size == (384, 384)
    assert cfg.train_dataloader.dataset.pipeline[2].encoder == wanted
    assert cfg.test_dataloader.dataset.pipeline[2].input_size == (384, 384)
    cfg = load(write, HRNETV2_CUSTOM, 'codec.input_size=[512,512]', base=HRNETV2)
    assert cfg.test_dataloader.dataset.pipeline[2].input_size == (512, 512)
    assert cfg.model.head.decoder.input_size == (512, 512)
