"""Networks with their decoding in torch, as modules: the middle of a file that goes from an image to results.

A body takes normalised images (N, C, h, w) and returns a flat tuple named by ``output_names``. What needs the original
image's size, or lists of any length, comes after it (:mod:`faceresearch.export.tails`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from faceresearch.models.precision import widened


class DetectorBody(nn.Module):
    """SingleStageDetector: a box, a score and points for every anchor, in pixels of the network's input."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model
        head = self.model.head
        points = getattr(head, 'num_landmarks', getattr(head, 'num_keypoints', None))
        # Every head with points says how many; YOLOv5-Face's by the width of a row.
        has_points = points is None or points > 0
        names = ['anchor_boxes', 'anchor_scores', *(['anchor_keypoints'] if has_points else [])]
        if hasattr(head, 'num_keypoints'):
            names.append('anchor_keypoint_scores')
        self.output_names = tuple(names)

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """Return boxes (N, P, 4), scores (N, P), and perhaps points (N, P, K, 2) and their scores (N, P, K)."""
        size = (input.shape[-2], input.shape[-1])
        features = self.model.extract(input)
        maps = [(feature.shape[-2], feature.shape[-1]) for feature in features]
        scores, rows = self.model.head.rows(self.model.head.tensor(features), size, maps)
        found = self.model.head.boxes_of(rows, size)
        points = [values for values in (found.keypoints, found.keypoint_scores) if values is not None]
        return found.boxes, scores, *points


class EmbeddingBody(nn.Module):
    """FaceRecognizer: what ``predict`` gives, the mirrored face included where the model's ``flip_test`` says so."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model
        self.output_names: tuple[str, ...] = tuple(model.output_names)  # type: ignore[arg-type]

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """Return the embedding, or its direction and length."""
        embedding = self.model.embed(input)
        if self.model.outputs == 'embedding':
            return (embedding,)
        norm = torch.linalg.vector_norm(embedding, dim=1, keepdim=True)
        return embedding / norm, norm


class LandmarkBody(nn.Module):
    """CoordinateLandmarker: points (N, K, 2) in pixels of the network's input."""

    output_names = ('crop_keypoints',)

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """Return the points."""
        return (self.model.points(input),)


class AttributeBody(nn.Module):
    """AttributeModel and FusedAttributes: the fields of ``pred_attributes``, a class's number as int64."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model
        self.input_channels = int(getattr(model, 'input_channels', 3))
        with torch.no_grad():
            raw = [torch.zeros(1, width) for width in model.raw_widths]  # type: ignore[union-attr]
            self.output_names: tuple[str, ...] = tuple(model.decode(raw))  # type: ignore[operator]

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """Return the fields."""
        return tuple(self.model.decode([widened(raw) for raw in self.model.tensor(input)]).values())


class ParserBody(nn.Module):
    """FaceParser: logits (N, C, h, w) at the size of the network's input."""

    output_names = ('class_logits',)

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """Return the logits."""
        return (self.model.logits(input),)
