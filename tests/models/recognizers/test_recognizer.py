"""A recogniser: embeddings, mirrored faces, heads, weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mmengine.structures import LabelData
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.recognizers import FaceRecognizer, without_head
from faceresearch.structures import FaceDataSample


class Mean(nn.Module):
    """Embeds an image as the mean of its left half, channel by channel."""

    embedding_size = 3

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : x.shape[-1] // 2].mean((2, 3)) * self.scale


class Maps(nn.Module):
    """Gives two feature maps."""

    out_channels = (3, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, -x


class Pool(nn.Module):
    """Embeds a feature map as its mean."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.embedding_size = in_channels

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class Head(nn.Module):
    """Pulls embeddings to the number of their identity."""

    def __init__(self, embedding_size: int) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.arange(4.0)[:, None].expand(4, embedding_size).clone())

    def loss(self, embedding: Tensor, identity: Tensor) -> dict[str, Tensor]:
        return {'loss': (embedding - self.centres[identity]).square().sum()}


def samples(*identities: int) -> list[FaceDataSample]:
    result = []
    for number in identities:
        sample = FaceDataSample()
        sample.gt_identity = LabelData(label=torch.tensor([number]))
        result.append(sample)
    return result


IMAGES = torch.stack([torch.full((3, 4, 4), 1.0), torch.full((3, 4, 4), 3.0)])
IMAGES[:, :, :, 2:] = 5.0


def predict(**arguments: Any) -> list[Tensor]:
    model = FaceRecognizer(Mean(), **arguments)
    return [s.pred_embedding for s in model(IMAGES, [FaceDataSample(), FaceDataSample()], mode='predict')]


def test_prediction_and_mirrored_faces() -> None:
    alone, summed, joined = (predict(flip_test=flip) for flip in ('none', 'sum', 'concat'))
    assert [e.tolist() for e in alone] == [[1, 1, 1], [3, 3, 3]]
    assert [e.tolist() for e in summed] == [[6, 6, 6], [8, 8, 8]]
    assert [e.tolist() for e in joined] == [[1, 1, 1, 5, 5, 5], [3, 3, 3, 5, 5, 5]]


def test_predictions_are_raw_float32_whatever_is_exported() -> None:
    for outputs in ('embedding', 'unit_and_norm'):
        assert torch.equal(predict(outputs=outputs)[1], torch.full((3,), 3.0))
    model = FaceRecognizer(Mean())
    with torch.autocast('cpu', torch.bfloat16):
        found = model(IMAGES.bfloat16(), None, mode='predict')
    assert all(s.pred_embedding.dtype == torch.float32 for s in found)
    assert model.double()(IMAGES.double(), None, mode='predict')[0].pred_embedding.dtype == torch.float32


def test_raw_outputs_and_their_names() -> None:
    model = FaceRecognizer(Mean())
    assert model.output_names == ('embedding',)
    assert torch.equal(model(IMAGES)[0], torch.tensor([[1.0] * 3, [3.0] * 3]))
    model = FaceRecognizer(Mean(), outputs='unit_and_norm')
    assert model.output_names == ('embedding', 'norm')
    unit, norm = model(IMAGES)
    torch.testing.assert_close(unit, torch.full((2, 3), 3**-0.5))
    torch.testing.assert_close(norm, torch.tensor([[3**0.5], [3 * 3**0.5]]))


def test_the_head_gets_embeddings_and_identities() -> None:
    model = FaceRecognizer(Mean(), head=Head(3))
    losses = model(IMAGES, samples(2, 3), mode='loss')
    assert losses['loss'].item() == 3 * (1 - 2) ** 2
    model.double()
    assert model(IMAGES.double(), samples(0, 1), mode='loss')['loss'].dtype == torch.float64


def test_heads_and_necks_are_built_to_fit() -> None:
    head = {'type': 'MarginHead', 'num_classes': 5, 'margin': {'type': 'ArcFace'}}
    model = FaceRecognizer({'type': 'InsightMobileFaceNet', 'scale': 1, 'embedding_size': 64}, head=head)
    assert model.embedding_size == 64 and model.head.embedding_size == 64
    backbone = {'type': 'TimmBackbone', 'name': 'mobilenetv3_small_050', 'strides': (16,), 'pretrained': None}
    model = FaceRecognizer(backbone, neck={'type': 'GDC', 'embedding_size': 32, 'size': 7}, head=head)
    assert model.embedding_size == 32 and model.head.embedding_size == 32
    assert model.eval()(torch.zeros(2, 3, 112, 112))[0].shape == (2, 32)


def test_a_neck_takes_the_last_feature_map() -> None:
    model = FaceRecognizer(Maps(), neck=Pool(3))
    assert torch.equal(model(torch.ones(1, 3, 2, 2))[0], -torch.ones(1, 3))


def test_a_training_step_learns_identities() -> None:
    torch.manual_seed(0)
    head = {'type': 'MarginHead', 'num_classes': 4, 'margin': {'type': 'CosFace'}}
    model = FaceRecognizer({'type': 'InsightMobileFaceNet', 'scale': 1, 'embedding_size': 32}, head=head)
    images = torch.randn(8, 3, 112, 112)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.02, momentum=0.9)
    found = []
    for _ in range(6):
        total = sum(model(images, samples(0, 0, 1, 1, 2, 2, 3, 3), mode='loss').values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        found.append(total.item())
    assert found[-1] < 0.7 * found[0]


def test_weights_without_a_head_are_complete() -> None:
    trained, other = FaceRecognizer(Mean(), head=Head(3)), FaceRecognizer(Mean())
    nn.init.constant_(trained.backbone.scale, 7)
    nn.init.constant_(trained.head.centres, 8)
    state = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    other.load_state_dict(state, strict=True)
    assert other.backbone.scale[0] == 7
    fresh = FaceRecognizer(Mean(), head=Head(3))
    fresh.load_state_dict(other.state_dict(), strict=True)
    assert fresh.backbone.scale[0] == 7 and fresh.head.centres[3, 0] == 3, 'a head that is not in the file stays'
    with pytest.raises(RuntimeError, match=r'backbone\.scale'):
        fresh.load_state_dict({'head.centres': state['head.centres']}, strict=True)
    with pytest.raises(RuntimeError, match='strange'):
        other.load_state_dict({**state, 'strange': torch.zeros(1)}, strict=True)


def test_only_recognisers_lose_their_head() -> None:
    recogniser = {'type': 'FaceRecognizer', 'head': {'type': 'MarginHead'}, 'backbone': {}}
    assert without_head(recogniser) == {'type': 'FaceRecognizer', 'head': None, 'backbone': {}}
    assert recogniser['head'] == {'type': 'MarginHead'}, "the caller's config is not changed"
    detector = {'type': 'SingleStageDetector', 'head': {'type': 'RetinaFaceHead'}}
    assert without_head(detector) is detector


def test_what_a_user_gets_wrong_is_one_line() -> None:
    with pytest.raises(UserError, match=r"model\.flip_test is 'mean': use none, sum, concat"):
        FaceRecognizer(Mean(), flip_test='mean')  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r'model\.outputs'):
        FaceRecognizer(Mean(), outputs='unit')  # type: ignore[arg-type]
    with pytest.raises(UserError, match='add a neck'):
        FaceRecognizer(Maps())
    with pytest.raises(UserError, match='no head'):
        FaceRecognizer(Mean())(IMAGES, samples(0, 1), mode='loss')
    with pytest.raises(UserError, match='no gt_identity'):
        FaceRecognizer(Mean(), head=Head(3))(IMAGES, [FaceDataSample(), FaceDataSample()], mode='loss')
    with pytest.raises(ValueError, match='mode must be'):
        FaceRecognizer(Mean())(IMAGES, None, mode='train')


def test_inference_on_aligned_faces_of_any_size() -> None:
    import numpy as np

    from faceresearch.apis import inference, init_model

    torch.manual_seed(0)
    model = init_model('arcface_mbf_ms1mv3')
    assert model.head is None
    rng = np.random.default_rng(0)
    face = rng.integers(0, 256, (112, 112, 3), np.uint8)
    alone, large = inference(model, [face, np.repeat(np.repeat(face, 2, 0), 2, 1)])
    rgb = torch.from_numpy(face[..., ::-1].transpose(2, 0, 1).astype('f'))[None]
    with torch.no_grad():
        expected = model((rgb - 127.5) / 127.5)[0][0]
    torch.testing.assert_close(alone.pred_embedding, expected)
    assert large.pred_embedding.shape == (512,)
