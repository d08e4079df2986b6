"""An exported YOLOv8-Face equals the network at every size and batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from faceresearch.config import load_config
from faceresearch.export.parity import SIZES, check, compare, open_session, synthetic_images
from faceresearch.export.trace import RawOutputs, slim, trace
from faceresearch.registry import MODELS


@pytest.mark.slow
@pytest.mark.parametrize('config', ['yolov8_face_n_widerface', 'yolov8_face_lite_t_widerface'])
def test_file_equals_network_at_three_sizes_and_batches_of_one_and_four(config: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MODELS.build(load_config(config).model)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            # Freshly built, outputs hardly depend on the image.
            layer.momentum = None
    with torch.no_grad():
        model.train()(synthetic_images(4, 96, 128, model.data_preprocessor), mode='tensor')
    model.eval()
    network = RawOutputs(model)
    data = slim(trace(network, model.output_names)).SerializeToString()
    rows = compare(network, data, model.output_names, model.data_preprocessor)
    check(rows)
    assert len(SIZES) == 3 and len(rows) == len(SIZES) * 2 * 5
    assert min(row.variation for row in rows if row.input_shape[0] == 4) > 1e-3

    session = open_session(data)
    images = synthetic_images(4, 203, 317, None).numpy()
    together = session.run(None, {'input': images})
    for i in range(4):
        alone = session.run(None, {'input': images[i : i + 1]})
        for one, four in zip(alone, together):
            np.testing.assert_allclose(one[0], four[i], rtol=1e-5, atol=1e-3)
