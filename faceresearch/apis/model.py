"""Build a model from a config, and run it on images."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from torch import nn

from faceresearch.errors import UserError

if TYPE_CHECKING:
    from faceresearch.structures import FaceDataSample

Image = np.ndarray | str | Path
#: Every image is prepared with the same random numbers. Made once: that takes longer than the generators do.
_SEED = np.random.SeedSequence(0)


def init_model(
    config: str | Path | Config, checkpoint: str | Path | None = None, device: str | torch.device = 'cpu'
) -> nn.Module:
    """Build the model of a config, ready to predict.

    Args:
        config: a config file, the name of one in ``configs/``, or a loaded config.
        checkpoint: weights; None or ``'none'`` leaves the model with its initial ones.
        device: where it computes.

    Returns:
        The model in evaluation mode, a recogniser without its head; ``model.cfg`` is its config.

    Raises:
        UserError: the config or checkpoint cannot be used.
    """
    from faceresearch.compat.scope import set_scope
    from faceresearch.config import load_config
    from faceresearch.engine.weights import load_test_weights
    from faceresearch.engine.whole_images import leave_sizes
    from faceresearch.models.recognizers import without_head
    from faceresearch.registry import MODELS

    cfg = config if isinstance(config, Config) else load_config(config)
    if not cfg.get('model'):
        raise UserError(f'{cfg.filename}: has no model')
    set_scope(cfg)
    model = MODELS.build(without_head(cfg.model))
    given = 'none' if checkpoint is None else str(checkpoint)
    load_test_weights(model, given)
    if given.lower().endswith('.onnx'):
        cfg = copy.deepcopy(cfg)
        leave_sizes(cfg, given)
    model.cfg = cfg
    return model.to(device).eval()


def inference(
    model: nn.Module,
    images: Image | Sequence[Image],
    batch_size: int = 8,
    boxes: Sequence[np.ndarray] | None = None,
) -> list[FaceDataSample]:
    """Predict on images of any sizes, with the test pipeline of the model's config.

    Args:
        model: from :func:`init_model`.
        images: one or several: arrays (H, W, 3) uint8 BGR, or paths.
        batch_size: images that are computed together.
        boxes: for models of one face each, its box in every image, xyxy in pixels; without, the whole image is the face.

    Returns:
        One sample per image, with ``pred_instances`` in pixels of the image.

    Raises:
        UserError: an array has another form, or a file cannot be read.
    """
    several = [images] if isinstance(images, str | Path | np.ndarray) else list(images)
    if boxes is not None and len(boxes) != len(several):
        raise UserError(f'inference: {len(boxes)} boxes for {len(several)} images; give one each')
    return Predictor(model, batch_size)(several, boxes)


class Predictor:
    """A model with its test pipeline, built once: for many calls of :func:`inference`.

    Args:
        model: from :func:`init_model`.
        batch_size: images that are computed together.
    """

    def __init__(self, model: nn.Module, batch_size: int = 8) -> None:
        self.model, self.batch_size = model, batch_size
        self.prepare = _test_pipeline(model)

    def __call__(self, images: Sequence[Image], boxes: Sequence[np.ndarray] | None = None) -> list[FaceDataSample]:
        """Return one sample per image.

        Args:
            images: arrays (H, W, 3) uint8 BGR, or paths.
            boxes: of the one face of each image, (4,) xyxy in pixels.

        Raises:
            UserError: an array has another form, or a file cannot be read.
        """
        samples: list[FaceDataSample] = []
        with torch.no_grad():
            for start in range(0, len(images), self.batch_size):
                packed = [
                    _pack(self.prepare, images[i], i, None if boxes is None else boxes[i])
                    for i in range(start, min(start + self.batch_size, len(images)))
                ]
                batch = {key: [sample[key] for sample in packed] for key in packed[0]}
                samples += self.model.test_step(batch)  # type: ignore[operator]
        return samples


def prepare(model: nn.Module, image: Image) -> dict[str, Any]:
    """Return ``inputs`` (3, h, w) uint8 and ``data_samples`` of an image, as the model's test pipeline makes them.

    Raises:
        UserError: an array has another form, or a file cannot be read.
    """
    return _pack(_test_pipeline(model), image, 0)


def _test_pipeline(model: nn.Module) -> Compose:
    """Return the test pipeline of a model's config; what needs annotations passes images without them."""
    from faceresearch.compat.pipelines import build_for_inference, test_metainfo
    from faceresearch.compat.scope import set_scope

    cfg: Any = model.cfg
    pipeline = test_steps(cfg)
    if not pipeline:
        raise UserError(f'{cfg.filename}: has no test_dataloader.dataset.pipeline to prepare images with')
    set_scope(cfg)
    return Compose(build_for_inference(pipeline, test_metainfo(cfg)))


def test_steps(cfg: Config) -> Sequence[Mapping[str, Any]]:
    """Return the configs of the steps that prepare images in a test; none if the config does not say."""
    from faceresearch.compat.pipelines import test_dataset

    return test_dataset(cfg).get('pipeline') or _aligned_faces(cfg)


def _aligned_faces(cfg: Config) -> list[dict[str, Any]]:
    """Return the pipeline of a recogniser that names no test set: its images are aligned faces, of whatever size."""
    from faceresearch.config.contract import fixed_size

    size = fixed_size(cfg.get('contract') or {})
    if size is None:
        return []
    return [{'type': 'LoadImage'}, {'type': 'AlignFace', 'size': size}, {'type': 'PackFaceInputs'}]


def _pack(pipeline: Compose, image: Image, number: int, box: np.ndarray | None = None) -> dict[str, Any]:
    from faceresearch.datasets.base import BrokenImageError

    results: dict[str, Any] = {'img_id': number, 'rng': np.random.Generator(np.random.PCG64(_SEED))}
    if box is not None:
        results['bbox'] = np.asarray(box, np.float32).reshape(1, 4)
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise UserError(
                f'inference: image {number} is {image.dtype} {image.shape}; needed is uint8 (height, width, 3), BGR'
            )
        results.update(img=image, img_path=None, ori_shape=image.shape[:2], img_shape=image.shape[:2])
    else:
        results['img_path'] = str(image)
    try:
        return pipeline(results)
    except BrokenImageError as error:
        raise UserError(f'inference: {error}') from error
