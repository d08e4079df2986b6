"""Say once per epoch which training images could not be read."""

from __future__ import annotations

from typing import Any

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook

from faceresearch.registry import HOOKS
from faceresearch.structures import FaceBatch


@HOOKS.register_module()
class ReplacedImagesHook(Hook):
    """Count the images that others took the place of (metainfo ``replaced``), and name the first three."""

    def __init__(self) -> None:
        self._replaced: dict[str, None] = {}

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Collect the names in a batch."""
        samples = data_batch.get('data_samples') if isinstance(data_batch, dict) else None
        if isinstance(samples, FaceBatch):
            names = [name for replaced in samples.metainfo_column('replaced') for name in replaced]
            self._replaced.update(dict.fromkeys(map(str, names)))
            return
        for sample in samples or []:
            if hasattr(sample, 'metainfo'):
                self._replaced.update(dict.fromkeys(map(str, sample.metainfo.get('replaced', ()))))

    def after_train_epoch(self, runner: Any) -> None:
        """Log the summary."""
        gathered = all_gather_object(list(self._replaced))
        self._replaced = {}
        names = list(dict.fromkeys(name for part in gathered for name in part))
        if names:
            more = ', …' if len(names) > 3 else ''
            runner.logger.warning(
                f'{len(names)} training images could not be read; the next ones took their place:'
                f' {", ".join(names[:3])}{more}'
            )
