"""Several models on the faces of images: one detector, and whatever looks at what it finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast, overload

import numpy as np
from mmengine.config import Config
from torch import nn

from faceresearch.analysis.face import Face
from faceresearch.analysis.finder import FaceFinder
from faceresearch.analysis.images import Image, as_images, is_one_image
from faceresearch.analysis.stages import FaceStage
from faceresearch.errors import UserError
from faceresearch.models.recognizers import FaceRecognizer

#: A model that is built already, or its config and checkpoint (weights, or an ``.onnx`` file).
Source = nn.Module | tuple[str | Path | Config, str | Path | None]


class FaceAnalyzer:
    """Finds the faces of images and says of each what its models know.

    A recogniser gives an ``embedding`` of the face, aligned to the template that its input contract names; landmark models,
    parsers, and models of attributes (age, gender, gaze, liveness, …) get the crop they were trained on. Faces of all
    images that are analysed together go through each model in batches.

    Args:
        detector: finds the faces; None takes each image as its only face (for a recogniser: an aligned one).
        models: what looks at each face, in any order; a mapping gives them names of one's own.
        score_thr: detections below this are left out.
        pads: black borders to try one after the other until an image has a face, as fractions of its longer side:
            ``(0, 0.25, 0.5)`` finds faces in crops so tight that they touch the border.
        max_faces: keep only this many of the largest faces of an image; 0 keeps all.
        batch_size: images, and faces, that are computed together.
        device: where models that are built here compute; a GPU where there is one, by default.

    Raises:
        UserError: a model cannot be used, or two of them say the same.
    """

    def __init__(
        self,
        detector: Source | None,
        models: Sequence[Source] | Mapping[str, Source] = (),
        score_thr: float = 0.5,
        pads: Sequence[float] = (0.0,),
        max_faces: int = 0,
        batch_size: int = 16,
        device: str | None = None,
    ) -> None:
        if batch_size < 1:
            raise UserError(f'batch_size={batch_size} is at least 1')
        self.batch_size = batch_size
        finder = None if detector is None else _built(detector, device)
        self.finder = FaceFinder(finder, score_thr, pads, max_faces)
        named = models.items() if isinstance(models, Mapping) else ((None, model) for model in models)
        stages = [_stage(name, _built(source, device), batch_size) for name, source in named]
        # Landmarks first: a recogniser can be aligned by them where the detector finds boxes only.
        self.stages = sorted(stages, key=lambda stage: stage.view == 'aligned')
        recognisers = [stage for stage in stages if isinstance(stage.model, FaceRecognizer)]
        if len(recognisers) > 1:
            raise UserError(
                f'{recognisers[0].name} and {recognisers[1].name} both give an embedding: choose one of them'
            )
        self.recogniser = recognisers[0] if recognisers else None

    # A path is a sequence of strings to the type checker.
    @overload
    def analyze(self, images: Image) -> list[Face]: ...  # type: ignore[overload-overlap]

    @overload
    def analyze(self, images: Sequence[Image]) -> list[list[Face]]: ...

    def analyze(self, images: Image | Sequence[Image]) -> list[Face] | list[list[Face]]:
        """Return the faces of an image, best first; or those of each of several images.

        Args:
            images: one or several; see :func:`~faceresearch.analysis.images.as_image`.

        Raises:
            UserError: an image is none, or cannot be read.
        """
        if is_one_image(images):
            return next(self.stream([cast(Image, images)]))
        return list(self.stream(cast(Sequence[Image], images)))

    def represent(self, images: Sequence[Image]) -> list[list[Face]]:
        """Return the faces of each image with embeddings only: of all models, just the recogniser looks at them.

        Raises:
            UserError: there is no recogniser, or an image cannot be read.
        """
        return list(self.stream(images, self.recognition()))

    def recognition(self) -> list[FaceStage]:
        """Return the stages that an embedding needs.

        Raises:
            UserError: there is no recogniser.
        """
        if self.recogniser is None:
            raise UserError('the analyzer has no recogniser: add one to its models, such as mobileface_foamliu_ms1m')
        aligners = [stage for stage in self.stages if stage.gives_landmarks]
        return [*aligners, self.recogniser] if self.recogniser.view == 'aligned' else [self.recogniser]

    def stream(self, images: Iterable[Image], stages: Sequence[FaceStage] | None = None) -> Iterator[list[Face]]:
        """Yield the faces of image after image, of any number of them: ``batch_size`` are held in memory.

        Args:
            images: any iterable.
            stages: which of the analyzer's models look at the faces; all by default.

        Raises:
            UserError: an image is none, or cannot be read.
        """
        source = as_images(images)
        while batch := list(islice(source, self.batch_size)):
            yield from self._analyze(batch, self.stages if stages is None else stages)

    def _analyze(self, images: Sequence[np.ndarray], stages: Sequence[FaceStage]) -> list[list[Face]]:
        found = self.finder(images)
        faces = [face for each in found for face in each]
        wholes = [image for image, each in zip(images, found, strict=True) for _ in each]
        for stage in stages:
            stage(wholes, faces, detected=self.finder.detector is not None)
        return found


def _built(source: Source, device: str | None) -> nn.Module:
    if isinstance(source, nn.Module):
        if not hasattr(source, 'cfg'):
            raise UserError(f'{type(source).__name__} has no cfg: build models with faceresearch.apis.init_model')
        return source
    from faceresearch.apis.device import choose_device
    from faceresearch.apis.model import init_model

    if isinstance(source, str | Path) or len(source) != 2:
        raise UserError(f'{source}: give a model as (CONFIG, CHECKPOINT); CHECKPOINT may be an .onnx file')
    config, checkpoint = source
    return init_model(config, checkpoint, choose_device(device))


def _stage(name: str | None, model: nn.Module, batch_size: int) -> FaceStage:
    cfg: Any = model.cfg
    return FaceStage(name or Path(cfg.filename or type(model).__name__).stem, model, batch_size)
