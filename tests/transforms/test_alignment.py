"""Alignment: the published template, the least-squares similarity, and one crop whichever library cuts it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares

from faceresearch.errors import UserError
from faceresearch.transforms.alignment import (
    align_face,
    align_faces_torch,
    face_template,
    five_of_68,
    similarity_transform,
    similarity_transform_torch,
)

Array = NDArray[np.float64]


def faces(count: int, seed: int = 0) -> Array:
    """Five points of faces anywhere, of any size and roll, not exactly similar to the template."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        angle, scale = rng.uniform(-np.pi, np.pi), np.exp(rng.uniform(-1, 3))
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        out.append((face_template(112) + rng.normal(0, 4, (5, 2))) @ turn.T + rng.uniform(-200, 2000, 2))
    return np.array(out)


def solved(src: Array, dst: Array) -> Array:
    """The four unknowns (a, b, tx, ty) from the ten linear equations."""
    rows, values = [], []
    for (x, y), (u, v) in zip(src, dst):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        values += [u, v]
    a, b, tx, ty = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]
    return np.array([[a, -b, tx], [b, a, ty]])


def umeyama(src: Array, dst: Array) -> Array:
    """Equations 40-42 of the paper, by singular values, with the sign that forbids mirroring."""
    mean, target = src.mean(0), dst.mean(0)
    covariance = (dst - target).T @ (src - mean) / len(src)
    left, values, right = np.linalg.svd(covariance)
    sign = np.ones(2)
    if np.linalg.det(covariance) < 0:
        sign[1] = -1
    rotation = left @ np.diag(sign) @ right
    scale = (values * sign).sum() / ((src - mean) ** 2).sum(1).mean()
    return np.concatenate([scale * rotation, (target - scale * rotation @ mean)[:, None]], 1)


def moved(matrix: Array, points: Array) -> Array:
    return points @ matrix[:, :2].T + matrix[:, 2]


def photograph() -> NDArray[np.uint8]:
    """Something with edges and texture, as sharp as photographs are."""
    rng = np.random.default_rng(5)
    image = cv2.resize(rng.uniform(0, 255, (40, 50, 3)), (500, 400), interpolation=cv2.INTER_CUBIC)
    for k in range(20):
        a, b = rng.uniform(0, 400, 2), rng.uniform(0, 400, 2)
        cv2.line(image, a.astype(int).tolist(), b.astype(int).tolist(), rng.uniform(0, 255, 3).tolist(), 1 + k % 5)
    return cv2.GaussianBlur(np.clip(image, 0, 255).astype(np.uint8), (0, 0), 0.8)


def test_template_is_the_published_one_and_follows_the_rules_for_other_sizes() -> None:
    base = face_template(112)
    assert base.shape == (5, 2) and base.dtype == np.float64
    assert base[0].tolist() == [38.2946, 51.6963] and base[4].tolist() == [70.7299, 92.2041]
    np.testing.assert_allclose(face_template((112, 112)), base)
    np.testing.assert_allclose(face_template(224), base * 2)
    np.testing.assert_allclose(face_template(256), (base + (8, 0)) * 2)
    np.testing.assert_allclose(face_template(128)[:, 0], base[:, 0] + 8)
    # SphereFace's own numbers, in a crop 112 high and 96 wide.
    narrow = [30.2946, 65.5318, 48.0252, 33.5493, 62.7299]
    np.testing.assert_allclose(face_template((112, 96))[:, 0], narrow)
    np.testing.assert_allclose(face_template((112, 96))[:, 1], base[:, 1])


@pytest.mark.parametrize('size', [0, 100, -112, (112, 128), (96, 112)])
def test_sizes_without_a_template_are_refused(size: int | tuple[int, int]) -> None:
    with pytest.raises(UserError, match='multiple of 112 or 128'):
        face_template(size)


def test_transform_is_the_least_squares_similarity() -> None:
    template = face_template(112)
    for points in faces(30):
        matrix = similarity_transform(points, template)
        np.testing.assert_allclose(moved(matrix, points), moved(solved(points, template), points), atol=1e-8)
        np.testing.assert_allclose(moved(matrix, points), moved(umeyama(points, template), points), atol=1e-8)


def test_no_other_similarity_fits_better() -> None:
    template, points = face_template(112), faces(1, 9)[0]

    def residual(p: Array) -> Array:
        return (moved(np.array([[p[0], -p[1], p[2]], [p[1], p[0], p[3]]]), points) - template).ravel()

    matrix = similarity_transform(points, template)
    found = least_squares(residual, [1.0, 0.1, 0.0, 0.0]).cost * 2
    assert ((moved(matrix, points) - template) ** 2).sum() <= found + 1e-6


def test_mirrored_points_are_not_mirrored_back() -> None:
    template = face_template(112)
    mirrored = (112.0, 0.0) + template * (-1.0, 1.0)
    for points in (mirrored, *((-1.0, 1.0) * faces(20, 3))):
        matrix = similarity_transform(points, template)
        assert np.linalg.det(matrix[:, :2]) > 0
        np.testing.assert_allclose(moved(matrix, points), moved(umeyama(points, template), points), atol=1e-8)


def test_many_faces_at_once_are_the_faces_one_by_one() -> None:
    template, points = face_template(112), faces(6).reshape(2, 3, 5, 2)
    matrices = similarity_transform(points, template)
    assert matrices.shape == (2, 3, 2, 3)
    np.testing.assert_allclose(matrices[1, 2], similarity_transform(points[1, 2], template))


@pytest.mark.parametrize(
    ('points', 'message'),
    [
        (np.full((5, 2), 7.0), 'in 1 place,'),
        (np.array([[1, 2], [30, 2], [30, 2], [1, 2], [30, 2]]), 'in 2 places'),
        (np.array([[1, 2], [30, np.nan], [3, 4], [5, 6], [7, 8]]), 'not finite'),
        (np.array([[3000, 2], [3000.0001, 2], [3000, 2], [3000, 2.0001], [3000, 2]]), 'in 1 place,'),
    ],
)
def test_points_that_are_no_face_are_named(points: Array, message: str) -> None:
    with pytest.raises(UserError, match=message):
        similarity_transform(points, face_template(112))
    batch = np.stack([faces(1)[0], points])
    with pytest.raises(UserError, match='face 1: '):
        similarity_transform(batch, face_template(112))


def test_a_pair_of_points_may_be_aligned_too() -> None:
    matrix = similarity_transform(np.array([[0.0, 0], [2, 0]]), np.array([[5.0, 5], [5, 9]]))
    np.testing.assert_allclose(matrix, [[0, -2, 5], [2, 0, 5]], atol=1e-12)


@pytest.mark.parametrize('size', [112, 128, (112, 96)])
def test_the_crop_shows_the_points_on_the_template(size: int | tuple[int, int]) -> None:
    """A blob drawn at each point is found again where the template says."""
    points = np.array([[150.0, 130], [240, 140], [190, 190], [150, 230], [220, 236]])
    target = face_template(size)
    for k in range(5):
        image = np.zeros((400, 500), np.float32)
        y, x = np.mgrid[:400, :500]
        image += np.exp(-((x - points[k, 0]) ** 2 + (y - points[k, 1]) ** 2) / 40).astype(np.float32)
        crop = align_face(image, points, size)
        h, w = (size, size) if isinstance(size, int) else size
        assert crop.shape == (h, w)
        cy, cx = np.mgrid[:h, :w]
        centre = np.array([(crop * cx).sum(), (crop * cy).sum()]) / crop.sum()
        expected = moved(umeyama(points, target), points[k])
        assert np.abs(centre - expected).max() < 0.05


def test_beyond_the_image_is_black() -> None:
    crop = align_face(np.full((60, 60, 3), 200, np.uint8), face_template(112) - 40, 112)
    assert (crop[:38, :38] == 0).all() and (crop[45:95, 45:95] == 200).all()


def test_torch_twin_moves_points_as_numpy_does() -> None:
    points, template = faces(50, 2), face_template(112)
    wanted = similarity_transform(points, template)
    for dtype in (torch.float32, torch.float64):
        source = torch.from_numpy(points).to(dtype)
        got = similarity_transform_torch(source, torch.from_numpy(template)).double().numpy()
        for a, b, p in zip(got, wanted, points):
            assert np.abs(moved(a, p) - moved(b, p)).max() < 1e-3


@pytest.mark.parametrize('size', [112, 256, (112, 96)])
def test_torch_twin_cuts_the_crop_opencv_cuts(size: int | tuple[int, int]) -> None:
    image = photograph()
    rng = np.random.default_rng(1)
    points = np.stack([face_template(112) * s + rng.uniform(20, 200, 2) for s in (0.7, 1.0, 1.6, 2.2)])
    points += rng.normal(0, 3, points.shape)
    tensor = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    crops = align_faces_torch(tensor, torch.from_numpy(points).float(), size)
    assert crops.dtype == torch.uint8
    for crop, face in zip(crops, points):
        wanted = align_face(image, face, size).astype(float)
        error = ((crop.numpy().transpose(1, 2, 0).astype(float) - wanted) ** 2).mean()
        assert 10 * np.log10(255**2 / max(error, 1e-9)) > 45


def test_torch_twin_takes_one_image_per_face_and_gives_gradients() -> None:
    images = torch.from_numpy(photograph().transpose(2, 0, 1).copy())[None].float().repeat(2, 1, 1, 1) / 255
    images[1] = images[1].flip(0)
    points = torch.from_numpy(face_template(112))[None].float().repeat(2, 1, 1) * 1.5 + 60
    points += torch.randn(points.shape, generator=torch.Generator().manual_seed(0)) * 3
    points.requires_grad_()
    crops = align_faces_torch(images, points, 112)
    torch.testing.assert_close(crops[1], align_faces_torch(images[1:], points[1:], 112)[0])
    crops.square().sum().backward()
    assert points.grad is not None and torch.isfinite(points.grad).all() and points.grad.abs().max() > 0


def test_five_points_of_68_are_eye_middles_nose_tip_and_mouth_corners() -> None:
    points = np.stack([np.arange(68.0), -np.arange(68.0)], 1)[None]
    assert five_of_68(points)[0, :, 0].tolist() == [37.5, 43.5, 30, 48, 54]
