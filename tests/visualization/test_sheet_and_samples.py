"""Contact sheets, drawing of data samples, and the visualizer."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from faceresearch.registry import VISUALIZERS
from faceresearch.structures import FaceDataSample
from faceresearch.visualization import contact_sheet, write_image
from faceresearch.visualization.samples import draw_predictions, draw_truth, select_predictions
from faceresearch.visualization.sheet import fit


def plain(color: tuple[int, int, int], height: int = 100, width: int = 100) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def truth_sample() -> FaceDataSample:
    sample = FaceDataSample(metainfo={'img_path': 'x.jpg'})
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[20.0, 20.0, 60.0, 70.0]]),
        keypoints=torch.tensor([[[30.0, 35.0], [50.0, 35.0], [40.0, 45.0], [33.0, 58.0], [47.0, 58.0]]]),
        keypoints_visible=torch.ones(1, 5, dtype=torch.bool),
        difficulty=torch.tensor([[False, True, True]]),
    )
    sample.ignored_instances = InstanceData(bboxes=torch.tensor([[110.0, 20.0, 150.0, 70.0]]))
    return sample


def test_masks_are_drawn_in_the_colours_of_their_classes() -> None:
    sample = FaceDataSample(metainfo={'class_order': 'celebamask'})
    mask = torch.zeros(1, 50, 50, dtype=torch.uint8)
    mask[0, :25], mask[0, 25:, 25:] = 13, 255
    sample.gt_sem_seg = PixelData(sem_seg=mask)
    picture = draw_truth(plain((100, 100, 100)), sample)
    assert picture[20, 20].tolist() == pytest.approx([60 + 0.4 * 204, 60, 60], abs=1), (
        'hair, blue; the mask is enlarged'
    )
    assert (picture[51:] == 100).all(), 'neither background nor what does not count'


def predicted_sample() -> FaceDataSample:
    sample = FaceDataSample()
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor([[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 60.0, 70.0], [80.0, 20.0, 120.0, 70.0]]),
        scores=torch.tensor([0.1, 0.5, 0.9]),
        keypoints=torch.zeros(3, 5, 2),
    )
    return sample


def test_contact_sheet_puts_images_in_reading_order() -> None:
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]
    sheet = contact_sheet([plain(c) for c in colors], columns=3, cell=(50, 50))
    pitch = (sheet.shape[1] - 6) // 3
    for i, color in enumerate(colors):
        x, y = i % 3 * pitch + 6 + 25, i // 3 * pitch + 6 + 25
        assert tuple(sheet[y, x]) == color
    assert (sheet[-30:, -30:] == sheet[0, 0]).all(), 'the last cell is empty'


def test_contact_sheet_keeps_proportions() -> None:
    sheet = contact_sheet([plain((255, 255, 255), 40, 400)], cell=(200, 200))
    white = (sheet == 255).all(2)
    assert white.any(1).sum() == 20 and white.any(0).sum() == 200


@pytest.mark.parametrize('shape', [(1, 1), (1, 5000), (3000, 2)])
def test_contact_sheet_takes_any_image(shape: tuple[int, int]) -> None:
    sheet = contact_sheet([plain((9, 9, 9), *shape)] * 7, titles=['long title ' * 20] * 7)
    assert sheet.dtype == np.uint8 and sheet.ndim == 3


def test_contact_sheet_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match='no images'):
        contact_sheet([])
    with pytest.raises(ValueError, match='1 images but 2 titles'):
        contact_sheet([plain((0, 0, 0))], ['a', 'b'])


def test_fit_tells_the_scale() -> None:
    picture, scale = fit(plain((0, 0, 0), 200, 100), (50, 50))
    assert picture.shape == (50, 25, 3) and scale == 0.25


def test_truth_and_ignored_faces_differ() -> None:
    image = plain((90, 90, 90), 100, 200)
    drawn = draw_truth(image, truth_sample())
    mask = (drawn != 90).any(2)
    assert mask[45, 20] and mask[20:70, 110].any()
    assert mask[22:68, 20].all() and not mask[22:68, 110].all(), 'ignored faces are dashed'
    colours = {tuple(drawn[45, 20]), tuple(drawn[20, 112])}
    assert len(colours) == 2
    assert (image == 90).all()


def test_truth_is_scaled_with_the_picture() -> None:
    mask = (draw_truth(plain((90, 90, 90), 50, 100), truth_sample(), scale=0.5) != 90).any(2)
    assert mask[22, 10] and mask[22, 30] and not mask[22, 45:54].any()


def test_predictions_below_the_threshold_are_left_out() -> None:
    found = select_predictions(predicted_sample(), 0.5)
    np.testing.assert_allclose(found['scores'], [0.9, 0.5])
    np.testing.assert_array_equal(found['bboxes'][0], [80, 20, 120, 70])
    mask = (draw_predictions(plain((90, 90, 90), 100, 200), predicted_sample(), 0.6) != 90).any(2)
    assert mask[45, 80] and not mask[45, 20]


def test_visualizer_writes_the_colours_it_was_given(tmp_path: Path) -> None:
    visualizer = VISUALIZERS.build({'type': 'FaceVisualizer', 'name': 'test_colours'})
    red = plain((255, 0, 0), 100, 200)  # RGB
    visualizer.add_datasample('picture', red, predicted_sample(), out_file=tmp_path / 'deep' / 'x.png')
    written = cv2.imread(str(tmp_path / 'deep' / 'x.png'))
    assert written.shape == (100, 200, 3)
    assert tuple(written[95, 195]) == (0, 0, 255)  # BGR
    assert (written[45, 80] != (0, 0, 255)).any(), 'the face is drawn'
    assert [path.name for path in tmp_path.rglob('*.*')] == ['x.png']


def test_visualizer_hands_pictures_to_its_back_ends(tmp_path: Path) -> None:
    visualizer = VISUALIZERS.build(
        {
            'type': 'FaceVisualizer',
            'name': 'test_back_ends',
            'vis_backends': [{'type': 'LocalVisBackend'}],
            'save_dir': str(tmp_path),
        }
    )
    visualizer.add_datasample('val', plain((0, 0, 0), 100, 200), truth_sample(), step=3)
    assert [path.name for path in tmp_path.rglob('*.png')] == ['val_3.png']


def test_unwritable_format_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises((ValueError, cv2.error)):
        write_image(tmp_path / 'x.unknown', plain((0, 0, 0)))
    assert list(tmp_path.iterdir()) == []
