"""Several models on the faces of images: one detector, and whatever looks at what it finds."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, cast, overload

import numpy as np
from mmengine.config import Config
from torch import nn

from faceresearch.analysis.anonymize import Kind, anonymize
from faceresearch.analysis.face import Face, embedding_of
from faceresearch.analysis.finder import FaceFinder
from faceresearch.analysis.gallery import Finding, Gallery
from faceresearch.analysis.identity import identity_of
from faceresearch.analysis.images import Image, as_image, as_images, is_one_image
from faceresearch.analysis.stages import FaceStage
from faceresearch.analysis.verification import FaceChoice, Thresholds, Verification, compare_faces, thresholds_for
from faceresearch.analysis.video import anonymize_frames, track_frames
from faceresearch.apis.media import VideoSink, opened, shown
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
        thresholds: from which similarity on two faces count as one person: a file of ``tools/calibrate.py`` or
            :meth:`calibrate`, or what it holds. By default ``contract.thresholds`` of the recogniser, if there is one.
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
        thresholds: str | Path | Mapping[str, Any] | None = None,
        device: str | None = None,
    ) -> None:
        if batch_size < 1:
            raise UserError(f'batch_size={batch_size} is at least 1')
        self.batch_size = batch_size
        finder = None if detector is None else _built(detector, device)
        self.finder = FaceFinder(finder, score_thr, pads, max_faces)
        named = models.items() if isinstance(models, Mapping) else ((None, model) for model in models)
        stages = [FaceStage(name, _built(source, device), batch_size) for name, source in named]
        # Landmarks first: a recogniser can be aligned by them where the detector finds boxes only.
        self.stages = sorted(stages, key=lambda stage: stage.view == 'aligned')
        recognisers = [stage for stage in stages if isinstance(stage.model, FaceRecognizer)]
        if len(recognisers) > 1:
            raise UserError(
                f'{recognisers[0].name} and {recognisers[1].name} both give an embedding: choose one of them'
            )
        self.recogniser = recognisers[0] if recognisers else None
        self.thresholds = self._thresholds(thresholds)
        self._galleries: list[tuple[Gallery, tuple[str | Path, str | Path | None, bool]]] = []

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

    def verify(
        self,
        a: Image | Face | Sequence[Face],
        b: Image | Face | Sequence[Face],
        far: float = 1e-3,
        threshold: float | None = None,
        face: FaceChoice = 'largest',
    ) -> Verification:
        """Decide whether two images show the same person.

        Args:
            a: an image, or a face or the faces of an image from an earlier :meth:`analyze` or :meth:`represent`.
            b: likewise.
            far: false accept rate: of so many pairs of different people one is taken for the same. It chooses among the
                calibrated thresholds.
            threshold: cosine from which on two faces are the same person, in place of a calibrated one.
            face: which face of an image with several: ``largest``, ``best``, or ``any`` of them.

        Raises:
            UserError: an image shows no face, nothing says which threshold to use, or there is no recogniser.
        """
        self._need_recogniser()
        stated: tuple[float | None, bool | None] = (None, None)
        if threshold is None:
            threshold, reliable = self._calibrated(far, 'verify')
            stated = (far, reliable)
        found = [self._faces_of(given, name) for given, name in ((a, 'first'), (b, 'second'))]
        outcome = compare_faces(found[0], found[1], threshold, face)
        return replace(outcome, far=stated[0], reliable=stated[1])

    def find(
        self,
        query: Image | Face | Sequence[Face],
        folder: str | Path,
        store: str | Path | None = None,
        k: int | None = 10,
        threshold: float | None = None,
        far: float | None = None,
        approximate: bool = False,
        rebuild: bool = False,
    ) -> list[Finding]:
        """Find the faces of a folder's images that are most like those of an image.

        The folder's embeddings are computed once and kept; see :class:`~faceresearch.analysis.gallery.Gallery`, also for
        ``store``, ``approximate`` and ``rebuild``. What has changed in the folder is noticed with every call.

        Args:
            query: an image, or faces of an earlier :meth:`analyze` or :meth:`represent`.
            folder: the images to look through.
            store: file that keeps the embeddings; in the folder by default.
            k: how many matches of each face at most; None sets no limit.
            threshold: least cosine of a match.
            far: instead, the calibrated threshold of this false accept rate. With neither, the ``k`` most similar faces are
                matches, however little they are.
            approximate: search by an index of faiss, for millions of faces.
            rebuild: put a damaged store aside and begin a new one.

        Returns:
            A finding for each face of the query, best first.

        Raises:
            UserError: there is no recogniser, no face in the query, no folder or no calibrated threshold; or the store
                cannot be used.
        """
        if far is not None and threshold is None:
            threshold = self._calibrated(far, 'find')[0]
        given = self._faces_of(query, 'query')
        faces = [given] if isinstance(given, Face) else list(given)
        embeddings = np.stack([embedding_of(face) for face in faces])
        gallery = self.gallery(folder, store, approximate, rebuild)
        gallery.update()
        matches = gallery.search(embeddings, k, threshold)
        return [Finding(face, found) for face, found in zip(faces, matches, strict=True)]

    def gallery(
        self, folder: str | Path, store: str | Path | None = None, approximate: bool = False, rebuild: bool = False
    ) -> Gallery:
        """Return the gallery of a folder, the same one when it is asked for again.

        Raises:
            UserError: there is no recogniser or no such folder, or the store cannot be used.
        """
        about = identity_of(self)
        for gallery, settings in self._galleries:
            if settings == (folder, store, approximate) and gallery.about == about and not rebuild:
                return gallery
        gallery = Gallery(folder, self.represent, about, store, self.batch_size, approximate, rebuild)
        self._galleries = [entry for entry in self._galleries if entry[1] != (folder, store, approximate)]
        self._galleries.append((gallery, (folder, store, approximate)))
        return gallery

    def calibrate(
        self,
        images: Sequence[Image],
        people: Sequence[Hashable],
        fars: Sequence[float] = (1e-2, 1e-3, 1e-4),
        out: str | Path | None = None,
    ) -> dict[str, Any]:
        """Find the thresholds for false accept rates from all pairs of some images, and use them from now on.

        The largest face of each image counts; images without one are left out.

        Args:
            images: of people who are none of those to be told apart later.
            people: who is on each.
            fars: false accept rates.
            out: JSON file to write the thresholds to, for the next analyzer.

        Returns:
            See :func:`faceresearch.evaluation.calibration.calibrate`; with the recogniser's ``model`` and ``flip_test``, and
            the number of ``images_without_face``.

        Raises:
            UserError: there is no recogniser, an image cannot be read, or there are no pairs of both kinds.
        """
        recogniser = self._need_recogniser()
        largest = [max(faces, key=lambda face: face.area, default=None) for faces in self.represent(images)]
        usable = [number for number, face in enumerate(largest) if face is not None and face.embedding is not None]
        embeddings = np.array([embedding_of(cast(Face, largest[number])) for number in usable])
        outcome = thresholds_for(embeddings, [people[number] for number in usable], fars)
        outcome |= {'images_without_face': len(largest) - len(usable), 'model': recogniser.config}
        outcome['flip_test'] = _flip_test(recogniser)
        if out is not None:
            from faceresearch.fileio import write_json

            write_json(out, outcome)
        self.thresholds = Thresholds.of(outcome)
        return outcome

    def recognition(self) -> list[FaceStage]:
        """Return the stages that an embedding needs.

        Raises:
            UserError: there is no recogniser.
        """
        recogniser = self._need_recogniser()
        aligners = [stage for stage in self.stages if stage.gives_landmarks and recogniser.view == 'aligned']
        return [*aligners, recogniser]

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

    def _need_recogniser(self) -> FaceStage:
        if self.recogniser is None:
            raise UserError('the analyzer has no recogniser: add one to its models, such as mobileface_foamliu_ms1m')
        return self.recogniser

    def _calibrated(self, far: float, what: str) -> tuple[float, bool]:
        """Return the threshold of a false accept rate, and whether it is reliable."""
        if self.thresholds is None:
            raise UserError(
                f'{what}: no threshold is known for {self._need_recogniser().name}: give thresholds=FILE (of'
                ' tools/calibrate.py, or FaceAnalyzer.calibrate), or threshold=COSINE'
            )
        return self.thresholds.at(far)

    def _thresholds(self, given: str | Path | Mapping[str, Any] | None) -> Thresholds | None:
        if given is None:
            stated = None if self.recogniser is None else self.recogniser.contract.get('thresholds')
            return None if stated is None else Thresholds.of({'thresholds': stated}, 'contract.thresholds')
        found = Thresholds.read(given) if isinstance(given, str | Path) else Thresholds.of(given)
        recogniser = self._need_recogniser()
        found.check(recogniser.config, _flip_test(recogniser))
        return found

    def _faces_of(self, given: Image | Face | Sequence[Face], name: str) -> Face | Sequence[Face]:
        if isinstance(given, Face):
            return given
        if is_one_image(given):
            image = as_image(cast(Image, given), f'the {name} image')
            faces: Sequence[Face] = next(self.stream([image], self.recognition()))
        else:
            faces = cast(Sequence[Face], given)
        if not faces:
            where = given if isinstance(given, str | Path) else f'the {name} image'
            raise UserError(
                f'{where}: no face found (score_thr={self.finder.score_thr}, pads={list(self.finder.pads)}); a lower'
                ' score_thr or a wider border may find one'
            )
        return faces

    def track(self, video: str | Path | int) -> Iterator[tuple[np.ndarray, list[Face]]]:
        """Yield each frame (H, W, 3) BGR of a video with its faces, whose ``track_id`` stays with them.

        Args:
            video: a file, or a camera's index.

        Raises:
            UserError: it cannot be opened, or the analyzer has no detector.
        """
        with opened(video) as reader:
            yield from track_frames(self, reader, reader.fps, batch_size=1 if isinstance(video, int) else None)

    def anonymize(self, image: Image, kind: Kind = 'pixelate', grow: float = 0.15, cells: int = 6) -> np.ndarray:
        """Return an image (H, W, 3) BGR with the faces that the detector finds hidden.

        A lower ``score_thr`` of the analyzer hides faces that the detector is less sure of. Nothing but pixels is returned:
        what a file tells beside them (place, time, a small picture) is gone.

        Args:
            image: see :func:`~faceresearch.analysis.images.as_image`.
            kind: see :func:`~faceresearch.analysis.anonymize.anonymize`, also for ``grow`` and ``cells``.
            grow: likewise.
            cells: likewise.

        Raises:
            UserError: the image cannot be read, or an argument has no meaning.
        """
        whole = as_image(image)
        boxes = np.array([face.box for face in self.finder([whole])[0]])
        return anonymize(whole, boxes, kind, grow, cells)

    def anonymize_video(
        self,
        video: str | Path,
        output: str | Path,
        kind: Kind = 'pixelate',
        grow: float = 0.15,
        cells: int = 6,
        hold: float = 0.25,
    ) -> Path:
        """Write a video with the faces that the detector finds hidden; its sound is left out.

        Faces are followed, and hidden also in frames in which they are missed for ``hold`` seconds before and after they are
        found. The file is whole or absent.

        Args:
            video: a file.
            output: ``.mp4`` file to write; where no video can be encoded, a folder of pictures of that name.
            kind: see :func:`~faceresearch.analysis.anonymize.anonymize`, also for ``grow`` and ``cells``.
            grow: likewise.
            cells: likewise.
            hold: seconds.

        Returns:
            What was written.

        Raises:
            UserError: the video cannot be read, or would be overwritten.
        """
        output = Path(output)
        target = output.with_suffix('') if output.suffix.lower() == '.mp4' else output
        with opened(video) as reader, VideoSink(target, reader.fps) as sink:
            if target.with_name(f'{target.name}.mp4').resolve() == Path(video).resolve():
                raise UserError(f'{output}: writing here would overwrite the video; choose another name')
            for picture, _ in anonymize_frames(self, shown(reader), reader.fps, kind, grow, cells, hold):
                sink.write(picture)
            if not sink.count:
                raise UserError(f'{video}: no frame can be read')
        return sink.path

    def describe(
        self, images: Sequence[np.ndarray], found: Sequence[Sequence[Face]], stages: Sequence[FaceStage]
    ) -> None:
        """Let models look at faces, and write into each what they say.

        Args:
            images: (H, W, 3) uint8 BGR.
            found: the faces of each.
            stages: of the analyzer's.
        """
        faces = [face for each in found for face in each]
        wholes = [image for image, each in zip(images, found, strict=True) for _ in each]
        for stage in stages:
            stage(wholes, faces, detected=self.finder.detector is not None)

    def _analyze(self, images: Sequence[np.ndarray], stages: Sequence[FaceStage]) -> list[list[Face]]:
        found = self.finder(images)
        self.describe(images, found, stages)
        return found


def _flip_test(recogniser: FaceStage) -> str:
    return str(getattr(recogniser.model, 'flip_test', 'none'))


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
