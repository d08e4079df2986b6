"""Which module is exported for a model.

A *form* is a module in evaluation mode that takes normalised images (N, 3, H, W) and returns a tuple of tensors. It has
``output_names``; ``outputs``, what the file's metadata calls them (``raw`` where it is silent); and, where they apply,
``batches`` and ``lists`` (:func:`faceresearch.export.parity.compare`).

To add one: a model of ours whose decoding can be part of the graph has a method ``end2end() -> nn.Module``; for models of
other packages there is the table ``FOREIGN``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from faceresearch.errors import UserError
from faceresearch.export.openmmlab import FasterRCNNOutputs, YOLOv3Outputs
from faceresearch.export.openmmlab_pose import Heatmaps, Keypoints
from faceresearch.export.trace import RawOutputs

Form = Callable[[nn.Module], nn.Module]

#: Class of another package's model → its raw form and the one that decodes, if there is one.
FOREIGN: dict[str, tuple[Form, Form | None]] = {
    'mmdet.YOLOV3': (YOLOv3Outputs, None),
    # Its raw outputs would be of no use: both forms are the same.
    'mmdet.FasterRCNN': (FasterRCNNOutputs, FasterRCNNOutputs),
    'mmpose.TopdownPoseEstimator': (Heatmaps, Keypoints),
}


def form_of(model: nn.Module, end2end: bool = False) -> nn.Module:
    """Return the exportable form of a model.

    Args:
        model: from :func:`faceresearch.apis.init_model`.
        end2end: with the decoding in the graph.

    Raises:
        UserError: there is no such form.
    """
    package = type(model).__module__.split('.')[0]
    names = [f'{kind.__module__.split(".")[0]}.{kind.__name__}' for kind in type(model).__mro__]
    foreign = next((FOREIGN[name] for name in names if name in FOREIGN), None)
    if foreign is None and not hasattr(model, 'output_names'):
        raise UserError(
            f'{type(model).__name__} ({package}) cannot be exported yet: export needs a model that names its raw '
            f'outputs (output_names), as those of faceresearch do, or is one of {", ".join(sorted(FOREIGN))}'
        )
    if not end2end:
        return (foreign[0] if foreign else RawOutputs)(model).eval()
    make: Any = foreign[1] if foreign else getattr(model, 'end2end', None)
    if make is None:
        name = type(getattr(model, 'head', model)).__name__
        raise UserError(f'--end2end is not there yet for {name}; without it the raw outputs are exported')
    return (make(model) if foreign else make()).eval()
