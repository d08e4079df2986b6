"""SynthFaces as a data set: scenes rendered while training, nothing to download."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import cv2
import numpy as np

from faceresearch.datasets.base import FaceDataset
from faceresearch.errors import UserError
from faceresearch.registry import DATASETS
from faceresearch.synth import RENDERER_VERSION, Scene, render_scene
from faceresearch.synth.scene import NUM_IDENTITIES

#: Second number of a scene's seed.
SPLITS = {'train': 0, 'val': 1}
#: People of the two splits: nobody is in both.
IDENTITY_RANGES = {'train': (0, NUM_IDENTITIES * 9 // 10), 'val': (NUM_IDENTITIES * 9 // 10, NUM_IDENTITIES)}
EVENT = '0--SynthFaces'


def scene_name(split: str, index: int) -> str:
    """Name of a scene without extension, in WIDER FACE's form ``event/file``."""
    return f'{EVENT}/0_SynthFaces_{split}_{index:06d}'


def split_scene(seed: int, split: str, epoch: int, index: int, size: tuple[int, int]) -> Scene:
    """Scene ``index`` of a split in an epoch: the seeds of the two splits are disjoint, as are their people."""
    return render_scene((seed, SPLITS[split], epoch, index), size, identities=IDENTITY_RANGES[split])


@DATASETS.register_module()
class SynthFacesDataset(FaceDataset):
    """Rendered scenes with 0 to 20 faces, boxes, five points and difficulty.

    A sample carries ``img`` (H, W, 3) uint8 BGR, ``img_id``, ``gt_bboxes`` (N, 4) xyxy in pixels, ``gt_bboxes_labels``
    (N,), all 0, ``gt_ignore_flags`` (N,), all False, ``gt_keypoints`` (N, 5, 2), ``gt_keypoints_visible`` (N, 5),
    and ``gt_difficulty`` (N, 3) (easy, medium, hard; faces in none of them count neither way).

    Args:
        num_scenes: scenes in an epoch.
        size: (height, width) of a scene in pixels.
        split: ``train`` or ``val``; they share neither scenes nor people.
        seed: the first part of every scene's seed.
        scene_epochs: epochs after which a scene gives way to a new one, so that each epoch but the first renders
            ``num_scenes / scene_epochs`` of them; 1 renders all anew in every epoch, None keeps them. Training only.
        cache_mib: keep scenes that will be used again (as PNG) in memory, up to this many MiB in each loader worker.
            Scenes beyond that are rendered again.
        renderer_version: the version of the renderer a config was made for; another one is an error.
        pipeline: transforms, applied in order; ``LoadImage`` keeps the rendered image.
        test_mode: evaluation; see :class:`~faceresearch.datasets.base.FaceDataset`.
        indices: use only the first N scenes, or only these.
        metainfo: facts about the data set.
        lazy_init: do not build the list of scenes until it is needed.

    Raises:
        UserError: an argument has no meaning, or the renderer is of another version.
    """

    METAINFO = {'classes': ('face',)}

    def __init__(
        self,
        num_scenes: int,
        size: Sequence[int] = (320, 320),
        split: Literal['train', 'val'] = 'train',
        seed: int = 0,
        scene_epochs: int | None = None,
        cache_mib: float = 0,
        renderer_version: str | None = None,
        pipeline: Sequence[dict[str, Any] | Callable[..., Any]] = (),
        test_mode: bool = False,
        indices: int | Sequence[int] | None = None,
        metainfo: dict[str, Any] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if split not in SPLITS:
            raise UserError(f"SynthFacesDataset: split={split!r} is unknown; use 'train' or 'val'")
        if num_scenes < 1 or len(size) != 2 or min(size) < 32:
            raise UserError(
                f'SynthFacesDataset: num_scenes={num_scenes}, size={tuple(size)}: at least one scene of 32 x 32'
            )
        if scene_epochs is not None and (scene_epochs < 1 or split == 'val'):
            raise UserError(
                f'SynthFacesDataset: scene_epochs={scene_epochs}, split={split!r}: it is at least 1 or None, and None for'
                ' validation, whose scenes stay the same'
            )
        if renderer_version not in (None, RENDERER_VERSION):
            raise UserError(
                f'SynthFacesDataset: the config asks for renderer {renderer_version}, this is {RENDERER_VERSION}:'
                ' the scenes differ; install the matching faceresearch, or change renderer_version'
            )
        self.num_scenes, self.size, self.split = num_scenes, (int(size[0]), int(size[1])), split
        self.scene_epochs = scene_epochs
        self._cache_left = 0 if scene_epochs == 1 else int(cache_mib * 2**20)
        #: By index: which of the scenes that take this place one after the other, its image as PNG, its labels.
        self._cache: dict[int, tuple[int, bytes, Scene]] = {}
        super().__init__(
            pipeline=pipeline,
            test_mode=test_mode,
            seed=seed,
            indices=indices,
            metainfo=metainfo,
            lazy_init=lazy_init,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Name the scenes; they are rendered when asked for."""
        names = [scene_name(self.split, index) for index in range(self.num_scenes)]
        return [{'img_id': name, 'img_path': f'{name}.jpg', 'scene': index} for index, name in enumerate(names)]

    def raw_sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return a rendered scene with its annotations."""
        results = self.get_data_info(index)
        results.update(_annotations(self._scene(results['scene'], self._generation(results['scene'], epoch))))
        return results

    def _generation(self, index: int, epoch: int) -> int:
        """Return how often the scene at an index has given way to a new one; the indices take turns."""
        if self.scene_epochs is None:
            return 0
        return (epoch + index % self.scene_epochs) // self.scene_epochs

    def _scene(self, index: int, generation: int) -> Scene:
        if index in self._cache and self._cache[index][0] == generation:
            _, data, labels = self._cache[index]
            image = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
            return _copy_of(labels, image)
        scene = split_scene(self.seed, self.split, generation, index, self.size)
        self._keep(index, generation, scene)
        return scene

    def _keep(self, index: int, generation: int, scene: Scene) -> None:
        if index in self._cache:
            self._cache_left += len(self._cache.pop(index)[1])
        if self._cache_left <= 0:
            return
        data = cv2.imencode('.png', scene.image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
        if len(data) <= self._cache_left:
            self._cache_left -= len(data)
            self._cache[index] = (generation, data, _copy_of(scene, np.zeros((0, 0, 3), np.uint8)))


def _copy_of(scene: Scene, image: np.ndarray) -> Scene:
    """The labels as arrays of their own, since transforms change theirs in place."""
    names = ('bboxes', 'keypoints', 'keypoints_visible', 'occlusion', 'difficulty', 'identities')
    return Scene(image=image, **{name: getattr(scene, name).copy() for name in names}, faces=[])


def _annotations(scene: Scene) -> dict[str, Any]:
    count = len(scene.bboxes)
    return {
        'img': scene.image,
        'gt_bboxes': scene.bboxes,
        'gt_bboxes_labels': np.zeros(count, np.int64),
        'gt_ignore_flags': np.zeros(count, bool),
        'gt_keypoints': scene.keypoints,
        'gt_keypoints_visible': scene.keypoints_visible,
        'gt_difficulty': scene.difficulty,
    }
