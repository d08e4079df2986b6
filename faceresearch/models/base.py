"""What all models of the framework have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mmengine.model import BaseModel
from torch import Tensor, nn

from faceresearch.registry import build_module
from faceresearch.structures import FaceDataSample


class FaceModel(BaseModel):
    """A model with three public modes: ``loss``, ``predict`` and ``tensor``.

    Args:
        data_preprocessor: colour order, normalisation and padding.
        init_cfg: mmengine weight initialisation.

    Attributes:
        network: computes the raw outputs in place of ``tensor``: an ONNX file that is tested as the model.
        end2end: predicts in place of the model: an ONNX file that goes from an image to results.
        training_only: arguments (and attributes) that hold parts which only training needs: weights without them are
            complete.
    """

    training_only: ClassVar[tuple[str, ...]] = ()
    network: nn.Module | None
    end2end: Any

    def __init__(
        self, data_preprocessor: nn.Module | dict[str, Any] | None = None, init_cfg: dict[str, Any] | None = None
    ) -> None:
        # Built here: mmengine would look a bare name up in its own registry only.
        super().__init__(build_module(data_preprocessor) if data_preprocessor else None, init_cfg)
        self.network = None
        self.end2end = None

    @property
    @abstractmethod
    def output_names(self) -> tuple[str, ...]:
        """Names of what ``tensor`` returns."""

    def forward(
        self,
        inputs: Tensor,
        data_samples: Sequence[FaceDataSample] | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Tensor] | Sequence[FaceDataSample] | tuple[Tensor, ...]:
        """Dispatch on ``mode``: ``loss``, ``predict`` or ``tensor``."""
        if mode == 'loss':
            assert data_samples is not None
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            predictor = self if self.end2end is None else self.end2end
            return predictor.predict(inputs, data_samples or [FaceDataSample() for _ in inputs])
        if mode == 'tensor':
            return self.tensor(inputs)
        raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', not {mode!r}")

    @abstractmethod
    def loss(self, inputs: Tensor, data_samples: Any) -> dict[str, Tensor]:
        """Return the losses of a batch (N, 3, H, W)."""

    @abstractmethod
    def predict(self, inputs: Tensor, data_samples: Any) -> Sequence[FaceDataSample]:
        """Add what is predicted to each sample."""

    def raw_outputs(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return what ``tensor`` does, from whatever computes it: predictions are made from this alone."""
        return self.tensor(inputs) if self.network is None else self.network(inputs)

    @abstractmethod
    def tensor(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the raw outputs, a flat tuple: the graph that is exported."""

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load weights; those without any of a part for training, and those with one into a model without, are complete.

        Raises:
            RuntimeError: with ``strict``, anything else does not fit.
        """
        for part in self.training_only:
            prefix = f'{part}.'
            if getattr(self, part) is None:
                state_dict = {name: value for name, value in state_dict.items() if not name.startswith(prefix)}
            elif strict and not any(name.startswith(prefix) for name in state_dict):
                own = super().state_dict()
                state_dict = {**state_dict, **{name: value for name, value in own.items() if name.startswith(prefix)}}
        return super().load_state_dict(state_dict, strict=strict, assign=assign)


def with_argument(part: nn.Module | dict[str, Any], name: str, value: Any) -> nn.Module | dict[str, Any]:
    """Return a part's config with ``name=value``, unless it states that argument itself or is built already."""
    return {**part, name: value} if isinstance(part, dict) and name not in part else part
