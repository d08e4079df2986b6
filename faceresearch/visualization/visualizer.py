"""The visualizer that training and testing write pictures through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.dist import master_only
from mmengine.structures import BaseDataElement
from mmengine.visualization import Visualizer

from faceresearch.fileio import atomic_path
from faceresearch.registry import VISUALIZERS
from faceresearch.visualization.samples import draw_predictions, draw_truth


@VISUALIZERS.register_module()
class FaceVisualizer(Visualizer):
    """Writes faces on images and hands them to mmengine's back ends (files, TensorBoard, …).

    Args:
        name: name of the instance.
        vis_backends: mmengine back ends.
        save_dir: folder for the back ends' files.
        score_thr: predictions below this are not drawn.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        vis_backends: list[dict[str, Any]] | None = None,
        save_dir: str | None = None,
        score_thr: float = 0.3,
    ) -> None:
        super().__init__(name, vis_backends=vis_backends, save_dir=save_dir)
        self.score_thr = score_thr

    @master_only
    def add_datasample(  # type: ignore[override]
        self,
        name: str,
        image: np.ndarray,
        data_sample: BaseDataElement | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | Path | None = None,
        pred_score_thr: float | None = None,
        step: int = 0,
    ) -> None:
        """Draw a sample and give it to the back ends, or write it to ``out_file``.

        Args:
            name: the picture's title.
            image: (H, W, 3) uint8 **RGB**, as in mmdet and mmpose, at the size that boxes and points refer to.
            data_sample: what to draw; ground truth and predictions lie over each other.
            draw_gt: draw ``gt_instances`` and ``ignored_instances``.
            draw_pred: draw ``pred_instances``.
            show: open a window.
            wait_time: seconds the window stays open, 0 until a key is pressed.
            out_file: an image file to write instead of passing the picture to the back ends.
            pred_score_thr: predictions below this are not drawn; the visualizer's ``score_thr`` by default.
            step: training step, for the back ends.
        """
        picture = np.ascontiguousarray(image[..., ::-1])
        if data_sample is not None and draw_gt:
            picture = draw_truth(picture, data_sample)
        if data_sample is not None and draw_pred and 'pred_instances' in data_sample:
            picture = draw_predictions(
                picture, data_sample, self.score_thr if pred_score_thr is None else pred_score_thr
            )
        shown = np.ascontiguousarray(picture[..., ::-1])
        self.set_image(shown)
        if show:
            self.show(shown, win_name=name, wait_time=wait_time)
        if out_file is not None:
            write_image(out_file, picture)
        else:
            self.add_image(name, shown, step)


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Write an image (H, W, 3) uint8 BGR; the file is whole or absent.

    Raises:
        UserError: the folder cannot be written.
        ValueError: OpenCV cannot write the format that the suffix names.
    """
    path = Path(path)
    parameters = [cv2.IMWRITE_JPEG_QUALITY, 92] if path.suffix.lower() in ('.jpg', '.jpeg') else []
    with atomic_path(path) as temporary:
        if not cv2.imwrite(str(temporary), image, parameters):
            raise ValueError(f'{path}: cannot be written as an image')
