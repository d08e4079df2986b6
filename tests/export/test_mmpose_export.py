"""HRNet exported: heatmaps, and points decoded in the graph as mmpose decodes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from faceresearch.apis import inference, init_model
from faceresearch.apis.model import _pack, _test_pipeline
from faceresearch.config import load_config
from faceresearch.export import read_contract, read_metadata
from faceresearch.export.forms import form_of
from faceresearch.export.heatmaps import decode_heatmaps
from faceresearch.export.openmmlab_pose import Keypoints
from faceresearch.export.parity import open_session, synthetic_images
from faceresearch.export.trace import trace
from faceresearch.structures import FaceDataSample
from tests.tools.running import error_line, run_tool

#: Fewer blocks: every kind of layer is there once, and tracing takes a third of the time.
SMALL = [
    'codec.input_size=[64,64]',
    'codec.heatmap_size=[16,16]',
    'model.backbone.extra.stage3.num_modules=1',
    'model.backbone.extra.stage4.num_modules=1',
    *(f'model.backbone.extra.stage{n}.num_blocks={[1] * max(1, n)}' for n in (1, 2, 3, 4)),
]


def mmpose_codec(unbiased: bool) -> object:
    import mmpose.codecs  # noqa: F401  registers them
    from mmpose.registry import KEYPOINT_CODECS

    return KEYPOINT_CODECS.build(
        {'type': 'MSRAHeatmap', 'input_size': (192, 256), 'heatmap_size': (48, 64), 'sigma': 2, 'unbiased': unbiased}
    )


@pytest.mark.parametrize('unbiased', [False, True])
def test_points_are_those_of_mmpose(unbiased: bool) -> None:
    """Peaks anywhere, at the borders too; noise; a map below zero; a flat one, whose curvature is singular."""
    codec = mmpose_codec(unbiased)
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (1, 40, 2)) * [191, 255]
    heatmaps = codec.encode(points.astype(np.float32))['heatmaps']  # type: ignore[attr-defined]
    heatmaps += rng.normal(0, 0.02, heatmaps.shape).astype(np.float32)
    heatmaps[-1] = -1
    heatmaps[-2] = 0.5
    expected, scores = codec.decode(heatmaps)  # type: ignore[attr-defined]
    kernel = codec.blur_kernel_size if unbiased else None  # type: ignore[attr-defined]
    found, heights = decode_heatmaps(torch.from_numpy(heatmaps)[None].double(), kernel)
    torch.testing.assert_close(found.float() * 4, torch.from_numpy(expected), rtol=0, atol=2e-3)
    torch.testing.assert_close(heights.float(), torch.from_numpy(scores))


class Decoder(nn.Module):
    """Heatmaps to points, as a graph of its own."""

    def forward(self, input: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return points and scores."""
        return decode_heatmaps(input, 11)


def test_dark_is_the_same_in_onnxruntime() -> None:
    """Apart from the network: random weights make heatmaps whose curvature is nearly singular in places."""
    points = np.random.default_rng(0).uniform(0, 1, (1, 3, 2)) * [191, 255]
    heatmaps = mmpose_codec(True).encode(points.astype(np.float32))['heatmaps'][None]  # type: ignore[attr-defined]
    graph = trace(Decoder(), ('keypoints', 'scores'), fixed_size=heatmaps.shape[-2:]).SerializeToString()
    found, scores = open_session(graph).run(None, {'input': heatmaps})
    expected, heights = decode_heatmaps(torch.from_numpy(heatmaps).double(), 11)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)
    np.testing.assert_allclose(scores, heights.numpy(), atol=1e-6)


@pytest.fixture(scope='module')
def model() -> nn.Module:
    """Random weights with peaks of about one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = init_model(load_config('hrnetv2_w18_hysts_anime28', SMALL))
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = None
                layer.train()
        with torch.no_grad():
            heatmaps = network(synthetic_images(4, 64, 64, network.data_preprocessor), None, mode='tensor')
            network.head.final_layer.weight.div_(heatmaps.std() * 3)
    return network.eval()


@pytest.mark.parametrize('flip', [True, False])
def test_the_graph_predicts_what_the_model_predicts(model: nn.Module, flip: bool) -> None:
    model.test_cfg['flip_test'] = flip
    image = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    (sample,) = inference(model, image)
    packed = _pack(_test_pipeline(model), image, 0)
    inputs = model.data_preprocessor({'inputs': [packed['inputs']], 'data_samples': [packed['data_samples']]})['inputs']
    with torch.no_grad():
        points, scores = Keypoints(model)(inputs)
    # The box is the image, grown by 1.25 about its centre.
    np.testing.assert_allclose(points[0].numpy() * 1.25 - 8, sample.pred_instances.keypoints[0], atol=5e-3)
    np.testing.assert_allclose(scores[0].numpy(), sample.pred_instances.keypoint_scores[0], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize('end2end', [False, True])
def test_tool_writes_a_file_that_equals_the_network(end2end: bool, model: nn.Module, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    model.test_cfg['flip_test'] = True
    codec = model.head.decoder
    codec.unbiased = False
    save_file(model.state_dict(), tmp_path / 'weights.safetensors')
    path = tmp_path / 'hrnet.onnx'
    options = ['codec.unbiased=false', *(['--end2end'] if end2end else [])]
    done = run_tool(
        'export_onnx', 'hrnetv2_w18_hysts_anime28', tmp_path / 'weights.safetensors', '-o', path, *SMALL, *options
    )
    assert done.status == 0, done.err
    session = open_session(path.read_bytes())
    # Bytes, as they come from an image, and what the preprocessor makes of them.
    pixels = (synthetic_images(3, 64, 64, None) * 255).round().byte()
    images = model.data_preprocessor({'inputs': list(pixels), 'data_samples': [FaceDataSample() for _ in pixels]})[
        'inputs'
    ]
    with torch.no_grad():
        expected = (Keypoints if end2end else form_of)(model)(images)
    given = {'image': pixels.numpy().transpose(0, 2, 3, 1)} if end2end else {'input': images.numpy()}
    found = session.run(None, given)
    assert [output.name for output in session.get_outputs()] == (['keypoints', 'scores'] if end2end else ['heatmaps'])
    for ours, theirs in zip(found, expected):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)
    assert found[0].shape == ((3, 28, 2) if end2end else (3, 28, 16, 16))
    assert read_metadata(path)['outputs'] == ('keypoints' if end2end else 'raw')
    assert read_contract(path)['detected_box_scale'] == 1.1


def test_other_codecs_are_not_decoded_in_the_graph(tmp_path: Path) -> None:
    other = ['codec.type=UDPHeatmap', '~codec.unbiased']
    done = run_tool(
        'export_onnx', 'hrnetv2_w18_anime28', 'none', '-o', tmp_path / 'x.onnx', '--end2end', *SMALL, *other
    )
    assert 'UDPHeatmap' in error_line(done)
