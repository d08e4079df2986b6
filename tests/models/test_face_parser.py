"""What a user relies on in face parsers: sizes, losses, the mirror, other backbones, both schedules, both origins' files."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from torch import Tensor, nn

from faceresearch.compat.scope import set_scope
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.models.losses import OHEMCrossEntropy
from faceresearch.models.parsers import FaceParser, ParsingMultiScaleFlip
from faceresearch.registry import MODELS
from faceresearch.structures import FaceDataSample
from faceresearch.zoo.converters import CONVERTERS, convert, find_converter

CONFIG = 'bisenet_r18_celebamaskhq_512'


def build(*overrides: str, config: str = CONFIG) -> Any:
    cfg = load_config(config, list(overrides))
    set_scope(cfg)
    torch.manual_seed(0)
    return MODELS.build(cfg.model).eval()


class Grey(nn.Module):
    """A head whose class is the grey level of the input, 0…3; features are the image itself."""

    out_channels = (3,)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (x,)

    def logits(self, features: tuple[Tensor], size: tuple[int, int]) -> Tensor:
        return torch.stack([-((features[0][:, 0] - k) ** 2) for k in range(4)], 1)

    def tensor(self, features: tuple[Tensor], size: tuple[int, int], outputs: str) -> tuple[Tensor, ...]:
        return (self.logits(features, size),)

    def logits_of(self, outputs: tuple[Tensor, ...]) -> Tensor:
        return outputs[0]


def parser(**options: Any) -> FaceParser:
    return FaceParser(Grey(), Grey(), **options)


# the loss


@pytest.mark.parametrize(('noise', 'ignored'), [(0.1, 0.0), (2.0, 0.0), (2.0, 0.4)])
def test_ohem_is_the_sorted_definition(noise: float, ignored: float) -> None:
    """zllrunning's rule: sorted, all above the threshold if the n_min-th is, else the n_min largest."""
    rng = torch.Generator().manual_seed(3)
    labels = torch.randint(0, 5, (2, 16, 24), generator=rng)
    logits = 6 * nn.functional.one_hot(labels, 5).permute(0, 3, 1, 2).double()
    logits = logits + noise * torch.randn(logits.shape, generator=rng).double()
    labels[torch.rand(labels.shape, generator=rng) < ignored] = 255
    found = OHEMCrossEntropy(0.7, 16)(logits, labels)
    each = []
    for row, label in zip(logits.permute(0, 2, 3, 1).reshape(-1, 5).tolist(), labels.flatten().tolist()):
        each.append(0.0 if label == 255 else math.log(sum(math.exp(v) for v in row)) - row[label])
    each.sort(reverse=True)
    kept, least = len(each) // 16, -math.log(0.7)
    chosen = [v for v in each if v > least] if each[kept] > least else each[:kept]
    assert found.item() == pytest.approx(sum(chosen) / len(chosen), rel=1e-9)


def test_easy_pixels_leave_exactly_the_least_number() -> None:
    logits = torch.zeros(1, 2, 8, 8)
    logits[:, 1] = -20
    logits[0, 1, 0, :6] = torch.arange(-16.0, -10.0)
    logits.requires_grad_()
    OHEMCrossEntropy(0.7, 16)(logits, torch.zeros(1, 8, 8, dtype=torch.int64)).backward()
    assert int((logits.grad.abs().sum(1) > 0).sum()) == 4


def test_threshold_one_is_plain_cross_entropy() -> None:
    logits, labels = torch.randn(2, 5, 6, 6), torch.randint(0, 5, (2, 6, 6))
    labels[0, :3] = 255
    expected = nn.functional.cross_entropy(logits, labels, ignore_index=255)
    assert OHEMCrossEntropy(1.0)(logits, labels).item() == pytest.approx(expected.item(), rel=1e-6)
    with pytest.raises(UserError, match='threshold=0'):
        OHEMCrossEntropy(0.0)


# prediction


@pytest.mark.parametrize('resize', ['logits', 'labels'])
@pytest.mark.parametrize('letterbox', [False, True])
def test_masks_come_back_to_the_original_image(resize: Any, letterbox: bool) -> None:
    truth = torch.zeros(60, 90, dtype=torch.uint8)
    truth[20:40, 30:], truth[40:] = 1, 2
    small = nn.functional.interpolate(truth[None, None].float(), size=(40, 60) if letterbox else (60, 60), mode='area')[
        0
    ]
    canvas = torch.full((1, 60, 60), 3.0)
    top = 10 if letterbox else 0
    canvas[:, top : top + small.shape[1]] = small
    info: dict[str, Any] = {
        'ori_shape': (60, 90),
        'img_shape': (60, 60),
        'scale_factor': (60 / 90, small.shape[1] / 60),
    }
    if letterbox:
        info['pad_offset'] = (0.0, 10.0)
    sample = parser(resize=resize).predict(canvas.expand(3, -1, -1)[None], [FaceDataSample(metainfo=info)])[0]
    mask = sample.pred_sem_seg.sem_seg
    assert mask.shape == (1, 60, 90) and mask.dtype == torch.uint8
    assert (mask[0] == truth).float().mean() > 0.95
    if letterbox:
        assert not (mask == 3).any(), 'the padding is not part of the image'


def test_padding_of_a_batch_does_not_count() -> None:
    """Images of several sizes: each is computed as if it were alone, and padded pixels have no loss."""
    model = build()
    images = [torch.randn(3, 64, 96), torch.randn(3, 96, 64)]
    batch = torch.zeros(2, 3, 96, 96)
    batch[0, :, :64], batch[1, :, :, :64] = images
    samples = [FaceDataSample(metainfo={'img_shape': i.shape[-2:], 'ori_shape': i.shape[-2:]}) for i in images]
    with torch.no_grad():
        together = model.predict(batch, samples)
        for image, sample in zip(images, together):
            alone = model.tensor(image[None])[0].argmax(1)
            assert (sample.pred_sem_seg.sem_seg == alone).float().mean() > 0.999
    for sample, image in zip(samples, images):
        sample.gt_sem_seg = PixelData(sem_seg=torch.ones(1, *image.shape[-2:], dtype=torch.uint8))
    from faceresearch.models.parsers.face_parser import stacked_masks

    masks = stacked_masks(samples, batch)
    assert [(m == 255).sum().item() for m in masks] == [96 * 96 - 64 * 96] * 2


def test_a_mask_of_another_size_cannot_be_trained_on() -> None:
    sample = FaceDataSample(metainfo={'img_path': 'x.jpg', 'img_shape': (32, 32)})
    model = parser()
    with pytest.raises(UserError, match=r'x\.jpg: has no gt_sem_seg'):
        model.loss(torch.zeros(1, 3, 32, 32), [sample])
    sample.gt_sem_seg = PixelData(sem_seg=torch.zeros(1, 16, 16, dtype=torch.uint8))
    with pytest.raises(UserError, match=r'its mask is \(16, 16\), the image 32 x 32'):
        model.loss(torch.zeros(1, 3, 32, 32), [sample])


def test_several_looks_average_and_mirrors_swap() -> None:
    """A parser that confuses left with right in half of its looks is corrected by its mirror image."""

    class Sided(Grey):
        def logits(self, features: tuple[Tensor], size: tuple[int, int]) -> Tensor:
            x = features[0]
            left = torch.linspace(4, -4, x.shape[-1]).expand(x.shape[0], 1, *x.shape[-2:])
            return torch.cat([torch.full_like(left, -9), left, -left], 1)

    images = torch.zeros(1, 3, 64, 64)
    whole = FaceParser(Sided(), Sided(), test_aug=ParsingMultiScaleFlip((0.5, 1.0), flip_pairs=((1, 2),)))
    found = whole.predict(images, [FaceDataSample()])[0].pred_sem_seg.sem_seg[0]
    assert (found[:, :32] == 1).all() and (found[:, 32:] == 2).all()
    # Without the swap the two looks contradict each other.
    log = ParsingMultiScaleFlip((1.0,)).logits(whole, images)
    assert torch.allclose(log[:, 1], log[:, 2], atol=1e-5)
    with pytest.raises(UserError, match='class 8 of 3 classes'):
        ParsingMultiScaleFlip((1.0,), flip_pairs=((7, 8),)).logits(whole, images)


# networks


@pytest.mark.parametrize(
    'backbone',
    [
        '{type:TimmBackbone,name:mobilenetv3_small_100}',
        '{type:MobileNetV1,width:0.25}',
        '{type:ResNet,depth:50}',
    ],
)
def test_another_backbone_is_one_line(backbone: str) -> None:
    model = build(f'model.backbone={backbone}').train()
    samples = [FaceDataSample(gt_sem_seg=PixelData(sem_seg=torch.ones(1, 64, 96, dtype=torch.uint8))) for _ in range(2)]
    losses = model(torch.randn(2, 3, 64, 96), samples, mode='loss')
    assert list(losses) == ['loss_main', 'loss_aux0', 'loss_aux1']
    sum(losses.values()).backward()
    model.eval()
    with torch.no_grad():
        (logits,) = model(torch.randn(1, 3, 72, 100), mode='tensor')
    assert logits.shape == (1, 19, 72, 100)


def test_backbone_with_other_strides_is_refused() -> None:
    with pytest.raises(UserError, match='strides 8, 16 and 32; the backbone gives 2 maps'):
        build('++model.backbone.out_stages=[3,4]')
    with pytest.raises(UserError, match=r'model\.outputs'):
        build('model.outputs=most')


def test_parameters_in_use_are_those_without_auxiliary_outputs() -> None:
    for depth, wanted in ((18, 13_150_272), (34, 23_258_432)):
        model = build(config=f'bisenet_r{depth}_celebamaskhq_512')
        assert sum(p.numel() for name, p in model.named_parameters() if '.aux.' not in name) == wanted


def zllrunning_name(name: str) -> str:
    """Rename as the repository's own modules are called."""
    name = re.sub(r'^fpn\.backbone', 'cp.resnet', name)
    name = re.sub(r'^fpn', 'cp', name)
    name = re.sub(r'^(conv_out\d*)\.conv\.weight', r'\1.conv_out.weight', name)
    name = name.replace('ffm.conv_block', 'ffm.convblk').replace('conv_block', 'conv')
    name = name.replace('attention.0', 'conv_atten').replace('attention.1', 'bn_atten')
    return name.replace('.norm.', '.bn.')


def test_both_origins_files_fill_the_same_network() -> None:
    model = build()
    rules = [(r'backbone\.', 'fpn.backbone.'), (r'neck\.refine(\d+)\.block\.', r'fpn.arm\1.conv_block.')]
    rules += [(r'neck\.refine', 'fpn.arm'), (r'neck\.smooth', 'fpn.conv_head'), (r'neck\.mean32', 'fpn.conv_avg')]
    rules += [
        (r'neck\.fusion\.block', 'ffm.conv_block'),
        (r'neck\.fusion', 'ffm'),
        (r'head\.main\.block', 'conv_out.conv_block'),
    ]
    rules += [(r'head\.aux\.0\.block', 'conv_out16.conv_block'), (r'head\.aux\.1\.block', 'conv_out32.conv_block')]
    rules += [(r'head\.main', 'conv_out'), (r'head\.aux\.0', 'conv_out16'), (r'head\.aux\.1', 'conv_out32')]

    def original(name: str) -> str:
        for pattern, new in rules:
            if re.match(pattern, name):
                name = re.sub(pattern, new, name, count=1)
                break
        if 'backbone' not in name and 'attention' not in name:
            name = re.sub(r'(conv_block|conv_head\d+|conv_avg)\.0\.', r'\1.conv.', name)
            name = re.sub(r'(conv_block|conv_head\d+|conv_avg)\.1\.', r'\1.norm.', name)
        return name

    own = {name: torch.randn_like(value.float()) for name, value in model.state_dict().items()}
    yakhyo = {original(name): value for name, value in own.items()}
    yakhyo |= {'fpn.backbone.fc.weight': torch.zeros(1000, 512), 'fpn.backbone.fc.bias': torch.zeros(1000)}
    assert 'fpn.arm16.conv_block.norm.weight' in yakhyo and 'conv_out32.conv.weight' in yakhyo and len(yakhyo) == 193
    zllrunning = {zllrunning_name(name): value for name, value in yakhyo.items()}
    assert {'cp.arm16.conv.bn.weight', 'ffm.convblk.conv.weight', 'conv_out.conv_out.weight'} <= set(zllrunning)
    for origin, state in (('yakhyo/face-parsing', yakhyo), ('zllrunning/face-parsing.PyTorch', zllrunning)):
        converter = find_converter(state, CONVERTERS)
        assert converter.name == origin
        converted, report = convert(state, model.state_dict(), converter)
        assert {name: 'ImageNet' in reason for name, reason in report.dropped.items()} == {
            name: True for name in state if '.fc.' in name
        }
        for name, value in own.items():
            torch.testing.assert_close(converted[name].float(), value.to(model.state_dict()[name].dtype).float())


# schedules


def test_zllrunnings_groups_and_rates() -> None:
    cfg = load_config('bisenet_r18_celebamaskhq_512_zllrunning')
    set_scope(cfg)
    model = MODELS.build(cfg.model)
    wrapper: Any = build_optim_wrapper(model, cfg.optim_wrapper.to_dict())
    names = {id(p): n for n, p in model.named_parameters()}
    seen = {}
    for group in wrapper.optimizer.param_groups:
        for parameter in group['params']:
            seen[names[id(parameter)]] = (group['lr'], group['weight_decay'])
    assert set(seen) == set(names.values())
    for name, (lr, decay) in seen.items():
        fast = name.startswith(('neck.fusion', 'head'))
        assert lr == pytest.approx(1e-4 if fast else 1e-5), name
        # One number per channel: batch norm and biases.
        assert decay == (5e-4 if model.get_parameter(name).dim() > 1 else 0), name


def test_zllrunnings_rate_over_the_iterations() -> None:
    from mmengine.optim.scheduler import ExponentialLR, PolyLR

    cfg = load_config('bisenet_r18_celebamaskhq_512_zllrunning')
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=cfg.optim_wrapper.optimizer.lr)
    schedulers = [
        {'ExponentialLR': ExponentialLR, 'PolyLR': PolyLR}[s['type']](
            optimizer, **{key: value for key, value in s.items() if key != 'type'}
        )
        for s in cfg.param_scheduler
    ]
    found = []
    for _ in range(5000):
        found.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    for iteration in (0, 1, 500, 999, 1000, 1001, 3000, 4999):
        if iteration < 1000:
            expected = 1e-5 * (1e-2 / 1e-5) ** (iteration / 1000)
        else:
            expected = 1e-2 * (1 - (iteration - 1000) / (80_000 - 1000)) ** 0.9
        assert found[iteration] == pytest.approx(expected, rel=1e-9), iteration


def test_yakhyos_decay_leaves_batch_norm_alone() -> None:
    cfg = load_config(CONFIG)
    set_scope(cfg)
    model = MODELS.build(cfg.model)
    wrapper: Any = build_optim_wrapper(model, cfg.optim_wrapper.to_dict())
    for group in wrapper.optimizer.param_groups:
        assert group['weight_decay'] == (5e-4 if group['params'][0].dim() > 1 else 0) and group['lr'] == 1e-2


# the contract


def test_exported_files_name_the_classes() -> None:
    from faceresearch.config.contract import input_contract

    contract = input_contract(load_config(CONFIG))
    assert contract['labels'][17] == 'hair' and contract['class_order'] == 'bisenet'
    assert input_contract(load_config(CONFIG, ['class_order=celebamask']))['labels'][13] == 'hair'
    assert np.allclose(contract['mean'], (123.675, 116.28, 103.53)) and contract['colour_order'] == 'RGB'
