"""Several sizes, the mirror, and votes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.structures import InstanceData

from faceresearch.apis import inference, init_model
from faceresearch.errors import UserError
from faceresearch.models.detectors.test_time import vote

CONFIG = 'retinaface_mnet025_widerface'


def test_a_vote_by_hand() -> None:
    found = InstanceData(
        bboxes=torch.tensor([[100.0, 100, 110, 110], [0, 0, 10, 10], [2, 0, 12, 10]]),
        scores=torch.tensor([0.1, 0.6, 0.3]),
        keypoints=torch.tensor([[[105.0, 105]], [[4, 4]], [[7, 4]]]),
    )
    # The first two overlap by 80 / 120 and count 2 : 1; the third is alone.
    merged = vote(found, iou=0.5)
    torch.testing.assert_close(merged.bboxes, torch.tensor([[2 / 3, 0, 32 / 3, 10], [100, 100, 110, 110]]))
    torch.testing.assert_close(merged.keypoints, torch.tensor([[[5.0, 4]], [[105, 105]]]))
    torch.testing.assert_close(merged.scores, torch.tensor([0.6, 0.1]))


def test_a_vote_of_nobody() -> None:
    nothing = InstanceData(bboxes=torch.zeros(0, 4), scores=torch.zeros(0), keypoints=torch.zeros(0, 5, 2))
    assert len(vote(nothing, 0.5)) == 0


@pytest.fixture(scope='module')
def weights(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from faceresearch.zoo.convert import convert_checkpoint

    path = tmp_path_factory.mktemp('weights') / 'retinaface.safetensors'
    return convert_checkpoint(shared_dir / 'weights/retinaface/mobilenet0.25_Final.pth', CONFIG, path).path


def config_with(tmp_path: Path, repo_root: Path, arguments: str) -> Path:
    path = tmp_path / 'own.py'
    path.write_text(
        f"_base_ = '{repo_root}/configs/retinaface/{CONFIG}.py'\n"
        f"model = dict(test_aug=dict(type='MultiScaleFlip', {arguments}))\n"
    )
    return path


def test_the_mirror_image_has_the_same_faces(weights: Path, shared_dir: Path, tmp_path: Path, repo_root: Path) -> None:
    file = next((shared_dir / 'data/widerface/WIDER_val/images/19--Couple').glob('*.jpg'))
    plain = inference(init_model(CONFIG, weights), file)[0].pred_instances
    model = init_model(config_with(tmp_path, repo_root, 'short_sides=(400, 600)'), weights)
    several = inference(model, file)[0].pred_instances
    good = plain[plain.scores > 0.9]
    assert len(good)
    for box, points in zip(good.bboxes, good.keypoints):
        nearest = (several.bboxes - box).abs().sum(1).argmin()
        size = (box[2:] - box[:2]).max()
        assert several.scores[nearest] > 0.9
        assert (several.bboxes[nearest] - box).abs().max() < 0.15 * size
        # Left and right would be exchanged if the mirror were not undone.
        assert (several.keypoints[nearest] - points).abs().max() < 0.1 * size


def test_padded_images_are_refused(weights: Path, shared_dir: Path, tmp_path: Path, repo_root: Path) -> None:
    file = next((shared_dir / 'data/widerface/WIDER_val/images/19--Couple').glob('*.jpg'))
    config = config_with(tmp_path, repo_root, 'short_sides=(400,)')
    text = "test_dataloader = dict(dataset=dict(pipeline=[dict(type='LoadImage'),"
    text += " dict(type='ResizeForTest', rule='letterbox', size=256, centred=True), dict(type='PackFaceInputs')]))"
    config.write_text(config.read_text() + text)
    with pytest.raises(UserError, match='original'):
        inference(init_model(config, weights), file)


def test_arguments_without_meaning(tmp_path: Path, repo_root: Path) -> None:
    with pytest.raises(UserError, match='short_sides'):
        init_model(config_with(tmp_path, repo_root, 'short_sides=()'))
