"""mmpose's top-down heatmap models as plain modules that can be exported."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from faceresearch.compat.pipelines import test_metainfo
from faceresearch.errors import UserError
from faceresearch.export.heatmaps import decode_heatmaps


class Heatmaps(nn.Module):
    """mmpose's TopdownPoseEstimator: crops (N, 3, H, W), normalised, to heatmaps (N, K, h, w)."""

    output_names: tuple[str, ...] = ('heatmaps',)

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """Return the head's heatmaps."""
        return (self.model(input, None, mode='tensor'),)


class Keypoints(Heatmaps):
    """The same to points (N, K, 2), x and y in pixels of the crop, and scores (N, K), as ``predict`` finds them.

    The mirror image counts too where the config says so (``flip_test``).

    Args:
        model: has a codec MSRAHeatmap.

    Raises:
        UserError: the model has another codec, or a flip test without its points' mirror images.
    """

    output_names = ('crop_keypoints', 'crop_scores')
    outputs = 'keypoints'

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        model_: Any = model
        codec, test_cfg = model_.head.decoder, model_.test_cfg or {}
        if type(codec).__name__ != 'MSRAHeatmap':
            raise UserError(
                f'--end2end decodes heatmaps of an MSRAHeatmap codec, not of {type(codec).__name__}; without it the '
                'raw outputs are exported'
            )
        self.kernel = codec.blur_kernel_size if codec.unbiased else None
        self.scale = [float(factor) for factor in codec.scale_factor]
        self.shift = bool(test_cfg.get('shift_heatmap', False))
        self.flip: list[int] | None = None
        if test_cfg.get('flip_test', False):
            self.flip = list(test_metainfo(model_.cfg).get('flip_indices', ()))
            if not self.flip:
                raise UserError('--end2end: the config has flip_test but no flip_indices; set flip_test=false')

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """Return points and scores."""
        heatmaps = self.model(input, None, mode='tensor')
        if self.flip is not None:
            mirrored = self.model(input.flip(-1), None, mode='tensor').flip(-1)[:, self.flip]
            if self.shift:
                # The first column stays as it is.
                mirrored = nn.functional.pad(mirrored[..., :-1], (1, 0, 0, 0), mode='replicate')
            heatmaps = (heatmaps + mirrored) / 2
        points, scores = decode_heatmaps(heatmaps, self.kernel)
        return points * points.new_tensor(self.scale), scores
