"""Several networks that each look at a crop of their own, and the mean of what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.models.base import FaceModel
from faceresearch.models.classifiers.attribute_model import AttributeModel, add_predictions
from faceresearch.models.classifiers.heads import ClassHead
from faceresearch.registry import MODELS, build_module
from faceresearch.structures import FaceDataSample


@MODELS.register_module()
class FusedAttributes(FaceModel):
    """The mean of the class probabilities of several attribute models (MiniFASNet at the scales 2.7 and 4.0).

    Its input holds the members' crops one after the other in the channels, (N, 3 M, H, W), as the transform
    ``CropFaceScales`` makes them. It is for prediction; members are trained one by one.

    Args:
        members: attribute models with the same heads, all of classes.
        data_preprocessor: normalisation of all 3 M channels.
        init_cfg: mmengine weight initialisation.

    Raises:
        UserError: the members differ in their heads, or a head has no classes.
    """

    def __init__(
        self,
        members: Sequence[nn.Module | dict[str, Any]],
        data_preprocessor: nn.Module | dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.members = nn.ModuleList(build_module(member) for member in members)
        self.input_channels = 3 * len(members)
        first = self._member(0)
        self.labels: dict[str, tuple[str, ...]] = {}
        for name, head in first.heads.items():
            same = [member.heads[name] for member in map(self._member, range(len(members))) if name in member.heads]
            if not isinstance(head, ClassHead) or [getattr(h, 'labels', ()) for h in same] != [head.labels] * len(
                members
            ):
                raise UserError(f'model.members: head {name!r} needs the same classes in every member')
            self.labels[name] = head.labels

    def _member(self, number: int) -> AttributeModel:
        member = self.members[number]
        assert isinstance(member, AttributeModel)
        return member

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of what ``tensor`` returns: those of the heads."""
        return tuple(self.labels)

    def loss(self, inputs: Tensor, data_samples: Sequence[FaceDataSample]) -> dict[str, Tensor]:
        """Refuse.

        Raises:
            UserError: always.
        """
        raise UserError('FusedAttributes is not trained: train each of its members with a config of its own')

    def tensor(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return for each head the mean probabilities (N, C)."""
        count = len(self.members)
        outputs = [self._member(i).tensor(crop) for i, crop in enumerate(inputs.chunk(count, dim=1))]
        return tuple(sum(logits.softmax(1) for logits in head) / count for head in zip(*outputs))  # type: ignore[misc]

    def predict(self, inputs: Tensor, data_samples: Sequence[FaceDataSample]) -> Sequence[FaceDataSample]:
        """Add ``pred_attributes`` to each sample: per head the class and ``_scores``."""
        return add_predictions(self.decode(self.raw_outputs(inputs)), data_samples)

    @property
    def raw_widths(self) -> tuple[int, ...]:
        """Numbers per face in each raw output."""
        return tuple(len(labels) for labels in self.labels.values())

    def decode(self, raw: Sequence[Tensor]) -> dict[str, Tensor]:
        """Turn the mean probabilities of N faces into the fields of ``pred_attributes``, N rows each."""
        fields: dict[str, Tensor] = {}
        for name, scores in zip(self.output_names, raw, strict=True):
            fields |= {name: scores.argmax(1), f'{name}_scores': scores}
        return fields
