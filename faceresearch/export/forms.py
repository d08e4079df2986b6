"""Which module is exported for a model as its raw form.

A *form* is a module in evaluation mode that takes normalised images (N, 3, H, W) and returns a tuple of tensors. It has
``output_names``; ``outputs``, what the file's metadata calls them (``raw`` where it is silent); and, where they apply,
``batches`` and ``lists`` (:func:`faceresearch.export.parity.compare`). What goes from an image to results is put
together in :mod:`faceresearch.export.end2end`.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from faceresearch.errors import UserError
from faceresearch.export.openmmlab import FasterRCNNOutputs, YOLOv3Outputs
from faceresearch.export.openmmlab_pose import Heatmaps
from faceresearch.export.trace import RawOutputs

#: Class of another package's model → its form.
FOREIGN: dict[str, Callable[[nn.Module], nn.Module]] = {
    'mmdet.YOLOV3': YOLOv3Outputs,
    # Its raw outputs would be of no use: the file holds detections.
    'mmdet.FasterRCNN': FasterRCNNOutputs,
    'mmpose.TopdownPoseEstimator': Heatmaps,
}


def form_of(model: nn.Module) -> nn.Module:
    """Return the exportable form of a model's network.

    Args:
        model: from :func:`faceresearch.apis.init_model`.

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
    return (foreign or RawOutputs)(model).eval()
