"""SCRFD: assignment, losses, sizes, learning."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.apis.benchmark import openmmlab_flops
from faceresearch.config import load_config
from faceresearch.models.heads.atss import assign_atss
from faceresearch.models.losses.quality_focal import quality_focal_loss
from faceresearch.registry import MODELS
from faceresearch.structures import FaceDataSample
from faceresearch.zoo.converters import CONVERTERS, convert, find_converter

#: Parameters, counted from the original checkpoints' shapes: reference/detection.md §2.1.
PARAMETERS = {
    '500m': 572_741,
    '500m_kps': 631_410,
    '1g': 635_565,
    '2_5g': 671_761,
    '2_5g_kps': 819_809,
    '10g': 3_860_225,
    '10g_kps': 4_229_905,
    '34g': 9_802_737,
}
#: Of the parts, ibid. appendix A.2: stem, four stages, neck.
PARTS = {
    '500m': (928, 3_016, 15_704, 37_120, 479_464, 24_480),
    '1g': (2_912, 8_784, 36_208, 36_752, 475_992, 53_040),
    '2_5g': (4_308, 31_392, 199_200, 127_392, 212_000, 40_752),
    '10g': (22_148, 170_016, 538_736, 287_408, 2_458_176, 220_528),
    '34g': (22_148, 921_312, 914_368, 787_968, 5_018_048, 1_230_080),
}


def build(repo_root: Path, size: str, *overrides: str) -> torch.nn.Module:
    torch.manual_seed(0)
    cfg = load_config(repo_root / f'configs/scrfd/scrfd_{size}_widerface.py', list(overrides))
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def sample_of(boxes: list[list[float]], visible: bool = True) -> FaceDataSample:
    sample = FaceDataSample(metainfo={'img_shape': (96, 128), 'scale_factor': (1.0, 1.0)})
    tensor = torch.tensor(boxes).reshape(-1, 4)
    points = tensor[:, None, :2] + (tensor[:, None, 2:] - tensor[:, None, :2]) * torch.rand(
        5, 2, generator=torch.Generator().manual_seed(0)
    )
    sample.gt_instances = InstanceData(
        bboxes=tensor,
        keypoints=points if visible else torch.full_like(points, float('nan')),
        keypoints_visible=torch.full((len(tensor), 5), visible),
    )
    return sample


@pytest.mark.parametrize('size', PARAMETERS)
def test_parameters(size: str, repo_root: Path) -> None:
    with torch.device('meta'):
        model = MODELS.build(load_config(repo_root / f'configs/scrfd/scrfd_{size}_widerface.py').model)
    assert count(model) == PARAMETERS[size]
    parts = (model.backbone.stem, *model.backbone.stages, model.neck)
    assert tuple(count(part) for part in parts) == PARTS[size.removesuffix('_kps')]


@pytest.mark.parametrize(
    ('size', 'published'), [('500m', 0.508), ('1g', 1.0), ('2_5g', 2.53), ('10g', 9.98), ('34g', 34.13)]
)
def test_multiply_adds_at_640_x_480(size: str, published: float, repo_root: Path) -> None:
    # Published for VGA, in billions: reference/detection.md §2.4.
    model = MODELS.build(load_config(repo_root / f'configs/scrfd/scrfd_{size}_widerface.py').model).eval()
    assert openmmlab_flops(model, (480, 640)) / 1e9 == pytest.approx(published, rel=0.02)


def atss_in_plain_loops(
    anchors: list[list[float]], counts: list[int], boxes: list[list[float]], topk: int
) -> list[int]:
    """Algorithm 1 of the ATSS paper, one face at a time."""

    def iou(a: list[float], b: list[float]) -> float:
        w = min(a[2], b[2]) - max(a[0], b[0])
        h = min(a[3], b[3]) - max(a[1], b[1])
        inter = max(w, 0) * max(h, 0)
        return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)

    best: dict[int, tuple[float, int]] = {}
    for g, box in enumerate(boxes):
        gx, gy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        chosen, first = [], 0
        for number in counts:
            level = range(first, first + number)
            centres = {a: ((anchors[a][0] + anchors[a][2]) / 2, (anchors[a][1] + anchors[a][3]) / 2) for a in level}
            chosen += sorted(level, key=lambda a: math.dist(centres[a], (gx, gy)))[:topk]
            first += number
        values = [iou(anchors[a], box) for a in chosen]
        mean = sum(values) / len(values)
        threshold = mean + math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
        root = math.sqrt((box[2] - box[0]) * (box[3] - box[1]))
        for a, value in zip(chosen, values):
            x, y = (anchors[a][0] + anchors[a][2]) / 2, (anchors[a][1] + anchors[a][3]) / 2
            inside = min(x - box[0], y - box[1], box[2] - x, box[3] - y) / root > 1e-3
            if value >= threshold and inside and value > best.get(a, (-1, 0))[0]:
                best[a] = (value, g)
    return [best[a][1] if a in best else -1 for a in range(len(anchors))]


def test_atss_equals_the_plain_algorithm() -> None:
    generator = torch.Generator().manual_seed(3)
    # Centres off a grid, so that no two are equally far.
    centres = torch.rand(240, 2, generator=generator, dtype=torch.float64) * 160
    half = torch.cat([torch.full((160, 1), 12.0), torch.full((80, 1), 40.0)]).double()
    anchors = torch.cat([centres - half, centres + half], 1)
    corner = torch.rand(12, 2, generator=generator, dtype=torch.float64) * 120
    boxes = torch.cat([corner, corner + 8 + 60 * torch.rand(12, 2, generator=generator, dtype=torch.float64)], 1)
    found = assign_atss(anchors, [160, 80], boxes, topk=9)
    assert found.tolist() == atss_in_plain_loops(anchors.tolist(), [160, 80], boxes.tolist(), 9)
    assert len(set(found.tolist())) > 6  # most faces have anchors


def test_atss_of_an_image_without_faces() -> None:
    assert assign_atss(torch.rand(8, 4), [8], torch.zeros(0, 4)).tolist() == [-1] * 8


def test_quality_focal_loss_closed_form() -> None:
    # Li et al., eq. 5: |y − σ|² · −((1 − y) log(1 − σ) + y log σ)
    logit, quality = 0.3, 0.8
    sigma = 1 / (1 + math.exp(-logit))
    expected = abs(quality - sigma) ** 2 * -((1 - quality) * math.log(1 - sigma) + quality * math.log(sigma))
    found = quality_focal_loss(torch.tensor([logit], dtype=torch.float64), torch.tensor([quality], dtype=torch.float64))
    assert found.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize('size', ['500m_kps', '2_5g', '2_5g_kps'])
def test_a_step_on_faces_with_and_without_landmarks_and_an_empty_image(size: str, repo_root: Path) -> None:
    model = build(repo_root, size)
    samples = [
        sample_of([[8.0, 10, 40, 50], [50, 20, 120, 90]]),
        sample_of([[30.0, 30, 60, 70]], visible=False),
        sample_of([]),
    ]
    losses = model.train()(torch.randn(3, 3, 96, 128), samples, mode='loss')
    assert set(losses) == {'loss_cls', 'loss_box'} | ({'loss_landmark'} if 'kps' in size else set())
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)


def test_ignored_regions_are_no_background(repo_root: Path) -> None:
    model = build(repo_root, '500m_kps').eval()
    image = torch.randn(1, 3, 96, 128)
    plain, ignoring = sample_of([]), sample_of([])
    ignoring.ignored_instances = InstanceData(bboxes=torch.tensor([[-600.0, -600, 700, 700]]))
    with torch.no_grad():
        assert model(image, [plain], mode='loss')['loss_cls'] > 0
        assert model(image, [ignoring], mode='loss')['loss_cls'] == 0


def test_overfits_one_image(repo_root: Path) -> None:
    model = build(repo_root, '500m_kps').train()
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 3, 96, 128, generator=generator)
    samples = [sample_of([[8.0, 10, 40, 50]]), sample_of([[50.0, 20, 120, 90]])]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(60):
        total = torch.stack(list(model(image, samples, mode='loss').values())).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    # Batch norm of two images: as in training, so that the learnt is seen.
    found = model(image, [FaceDataSample(), FaceDataSample()], mode='predict')
    for sample, expected in zip(found, samples):
        best, truth = sample.pred_instances[0], expected.gt_instances[0]
        assert best.scores > 0.3
        assert (best.bboxes - truth.bboxes).abs().max() < 8
        assert (best.keypoints - truth.keypoints).abs().max() < 8


def test_boxes_and_points_return_to_the_original_image(repo_root: Path) -> None:
    model = build(repo_root, '500m_kps', 'model.head.score_thr=0.0').eval()
    image = torch.randn(1, 3, 64, 64)
    plain, resized = FaceDataSample(), FaceDataSample(metainfo={'scale_factor': (0.5, 0.25), 'pad_offset': (4.0, 6.0)})
    with torch.no_grad():
        one = model(image, [plain], mode='predict')[0].pred_instances
        other = model(image, [resized], mode='predict')[0].pred_instances
    expected = (one.bboxes - torch.tensor([4.0, 6, 4, 6])) / torch.tensor([0.5, 0.25, 0.5, 0.25])
    torch.testing.assert_close(other.bboxes, expected)
    torch.testing.assert_close(other.keypoints, (one.keypoints - torch.tensor([4.0, 6.0])) / torch.tensor([0.5, 0.25]))


def test_any_backbone_under_this_head(repo_root: Path, tmp_path: Path) -> None:
    config = tmp_path / 'own.py'
    config.write_text(
        f"_base_ = '{repo_root}/configs/scrfd/scrfd_500m_kps_widerface.py'\n"
        "model = dict(backbone=dict(_delete_=True, type='TimmBackbone', name='mobilenetv3_small_050', pretrained=False))"
    )
    model = MODELS.build(load_config(config).model)
    scores = model.eval()(torch.randn(1, 3, 64, 96), mode='tensor')[:3]
    assert [s.shape for s in scores] == [(1, 192, 1), (1, 48, 1), (1, 12, 1)]


def original_name(name: str, shared: bool, depthwise: bool, norm: str) -> str:
    """Our name as the original's checkpoints have it: reference/detection.md §2.1."""
    part, *rest = name.split('.')
    if part == 'backbone':
        return (
            name.replace('stages.0', 'layer1')
            .replace('stages.1', 'layer2')
            .replace('stages.2', 'layer3')
            .replace('stages.3', 'layer4')
        )
    if part == 'neck':
        return f'neck.{rest[0]}_convs.{rest[1]}.conv.{rest[2]}'
    if rest[0] == 'scales':
        return f'bbox_head.scales.{rest[1]}.scale'
    level = '0' if shared else ('(8, 8)', '(16, 16)', '(32, 32)')[int(rest[1])]
    if rest[0] == 'towers':
        layer = {'0': 'conv', '1': norm, '3': 'conv', '4': norm}[rest[3]]
        kind = ('depthwise_conv.' if rest[3] in '01' else 'pointwise_conv.') if depthwise else ''
        return f'bbox_head.cls_stride_convs.{level}.{rest[2]}.{kind}{layer}.{rest[4]}'
    kind = {'cls': 'stride_cls', 'box': 'stride_reg', 'landmark': 'stride_kps'}[rest[0]]
    return f'bbox_head.{kind}.{level}.{rest[2]}'


@pytest.mark.parametrize('size', ['500m', '500m_kps', '2_5g_kps', '34g'])
def test_every_name_of_the_originals_checkpoints_has_a_place(size: str, repo_root: Path) -> None:
    model = build(repo_root, size)
    ours = model.state_dict()
    shared, depthwise = 'kps' not in size, size.startswith('500m')
    state = {original_name(n, shared, depthwise, 'gn' if shared else 'bn'): t for n, t in ours.items()}
    assert len(state) == len(ours)
    state['bbox_head.integral.project'] = torch.arange(9.0)
    converted, report = convert(state, ours, find_converter(state, CONVERTERS))
    assert list(report.dropped) == ['bbox_head.integral.project']
    assert all(converted[name] is ours[name] or converted[name].equal(ours[name]) for name in ours)
