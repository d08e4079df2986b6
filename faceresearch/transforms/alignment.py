"""One aligner for training, evaluation, tools and deployment: five points to a template, in numpy and in torch.

Points are positions as OpenCV counts them (the middle of the first pixel is 0), in the field's order: image-left eye,
image-right eye, nose tip, image-left mouth corner, image-right mouth corner.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from faceresearch.errors import UserError

Size = int | tuple[int, int]

#: Where the five points lie in a crop of 112 x 112 (insightface python-package/insightface/utils/face_align.py).
TEMPLATE_112 = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)


def face_template(size: Size = 112) -> np.ndarray:
    """Return the five template points (5, 2) float64 in a crop of ``size``: a side, or (height, width).

    Squares whose side is a multiple of 112 scale the template of 112; multiples of 128 scale it with 8 pixels in 128
    added on the left (insightface face_align.py). A height that is a multiple of 112 with 6/7 of it as width is
    SphereFace's narrow crop, 112 x 96: the same template with 8 pixels less on the left (clcarwin/sphereface_pytorch).

    Raises:
        UserError: there is no template for the size.
    """
    height, width = (size, size) if isinstance(size, (int, np.integer)) else (int(size[0]), int(size[1]))
    base = np.array(TEMPLATE_112, np.float64)
    if height > 0 and height == width and height % 112 == 0:
        return base * (height / 112)
    if height > 0 and height == width and height % 128 == 0:
        return (base + (8.0, 0.0)) * (height / 128)
    if height > 0 and height % 112 == 0 and width * 7 == height * 6:
        return (base - (8.0, 0.0)) * (height / 112)
    raise UserError(
        f'no five-point template for crops of {height} x {width} (height x width); use a square whose side is a'
        ' multiple of 112 or 128, or 112 x 96'
    )


def five_of_68(points: np.ndarray) -> np.ndarray:
    """Return the five points (..., 5, 2) of 68 landmarks (..., 68, 2) in the order of iBUG 300-W.

    An eye is the middle of its two corners, as in the tool that made IJB's five points (insightface).
    """
    eyes = [(points[..., 36, :] + points[..., 39, :]) / 2, (points[..., 42, :] + points[..., 45, :]) / 2]
    return np.stack([*eyes, points[..., 30, :], points[..., 48, :], points[..., 54, :]], -2)


def similarity_transform(src: np.ndarray, dst: np.ndarray) -> np.ndarray:
    """Return the rotation, scale and shift (..., 2, 3) float64 that bring ``src`` nearest to ``dst``, never mirrored.

    The least-squares solution of Umeyama (IEEE PAMI 13(4), 1991, equations 40-42), which in the plane is a closed
    form in complex numbers: with z and w the centred points, the factor (scale and rotation) is Σ z̄ w / Σ |z|².

    Args:
        src: points (..., N, 2); five, or any number from two on.
        dst: points (..., N, 2), broadcast against ``src``.

    Raises:
        UserError: points do not determine a transform: they are not finite, coincide in fewer than three places
            (two, if there are only two), or fit no better than a single place does.
    """
    src, dst = np.broadcast_arrays(np.asarray(src, np.float64), np.asarray(dst, np.float64))
    _check_points(src)
    middle, target = src.mean(-2, keepdims=True), dst.mean(-2, keepdims=True)
    x, y = np.moveaxis(src - middle, -1, 0)
    u, v = np.moveaxis(dst - target, -1, 0)
    spread = (x * x + y * y).sum(-1)
    a, b = (x * u + y * v).sum(-1) / spread, (x * v - y * u).sum(-1) / spread
    _check_scale(a, b, spread, (u * u + v * v).sum(-1))
    linear = np.stack([np.stack([a, -b], -1), np.stack([b, a], -1)], -2)
    shift = np.swapaxes(target, -1, -2) - linear @ np.swapaxes(middle, -1, -2)
    return np.concatenate([linear, shift], -1)


def _check_points(points: np.ndarray) -> None:
    """Refuse sets (..., N, 2) that are no face: not finite, or with too few different places."""
    faces = points.reshape(-1, *points.shape[-2:])
    needed = min(3, faces.shape[1])
    # Places closer than a millionth of the coordinates' size are one place.
    limit = 1e-6 * max(1.0, float(np.abs(faces[np.isfinite(faces)]).max(initial=0)))
    for number, face in enumerate(faces):
        where = f'face {number}: ' if len(faces) > 1 else ''
        if not np.isfinite(face).all():
            raise UserError(f'{where}points to align are not finite: {face.tolist()}')
        gaps = np.abs(face[:, None] - face[None]).max(-1)
        # Each point that is not near an earlier one is a new place.
        places = int((~np.tril(gaps <= limit, -1).any(1)).sum())
        if places < needed:
            raise UserError(
                f'{where}the {len(face)} points to align lie in {places} place{"s" * (places > 1)}, and at least'
                f' {needed} are needed: {face.tolist()}; check the landmarks'
            )


def _check_scale(a: np.ndarray, b: np.ndarray, spread: np.ndarray, wanted: np.ndarray) -> None:
    """Refuse a scale of nothing, the best answer for points in a senseless order."""
    if ((a * a + b * b) * spread <= 1e-8 * wanted).any():
        raise UserError('points to align do not resemble the template in any rotation or scale; check their order')


def align_face(image: np.ndarray, points: np.ndarray, size: Size = 112) -> np.ndarray:
    """Return the crop (h, w[, C]) of ``size`` in which the five points lie on the template.

    Bilinear, black beyond the image, as all published aligned data sets were made.

    Args:
        image: (H, W[, C]) uint8 or float32.
        points: (5, 2) in pixels of the image.
        size: a side or (height, width), see :func:`face_template`.

    Raises:
        UserError: see :func:`similarity_transform` and :func:`face_template`.
    """
    template = face_template(size)
    height, width = (size, size) if isinstance(size, (int, np.integer)) else size
    matrix = similarity_transform(points, template)
    return cv2.warpAffine(
        np.ascontiguousarray(image), matrix, (int(width), int(height)), flags=cv2.INTER_LINEAR, borderValue=0
    )


def similarity_transform_torch(src: Tensor, dst: Tensor) -> Tensor:
    """:func:`similarity_transform` on tensors (..., N, 2), differentiable, on any device.

    Points are not checked: such a check would make the device wait. Points that all coincide give NaN.
    """
    src, dst = torch.broadcast_tensors(src, dst.to(src))
    middle, target = src.mean(-2, keepdim=True), dst.mean(-2, keepdim=True)
    (x, y), (u, v) = (src - middle).unbind(-1), (dst - target).unbind(-1)
    spread = (x * x + y * y).sum(-1)
    a, b = (x * u + y * v).sum(-1) / spread, (x * v - y * u).sum(-1) / spread
    linear = torch.stack([torch.stack([a, -b], -1), torch.stack([b, a], -1)], -2)
    shift = target.mT - linear @ middle.mT
    return torch.cat([linear, shift], -1)


def align_faces_torch(images: Tensor, points: Tensor, size: Size = 112) -> Tensor:
    """:func:`align_face` for a batch on any device, differentiable in images and points.

    Args:
        images: (N, C, H, W) floating point or uint8, or (1, C, H, W) from which all faces are cut.
        points: (N, 5, 2) in pixels of their image.
        size: a side or (height, width).

    Returns:
        Crops (N, C, h, w) of the images' type; of uint8 images rounded as OpenCV does.

    Raises:
        UserError: there is no template for the size.
    """
    template = torch.from_numpy(face_template(size)).to(points)
    height, width = (size, size) if isinstance(size, (int, np.integer)) else size
    matrix = similarity_transform_torch(points, template)
    # Back from the crop to the image: the inverse of a rotation and scale is its transpose over scale².
    linear, shift = matrix[..., :2], matrix[..., 2:]
    back = linear.mT / (linear[:, :, :1] ** 2).sum(1, keepdim=True)
    start = -back @ shift
    xs = torch.arange(int(width), device=points.device, dtype=points.dtype)
    ys = torch.arange(int(height), device=points.device, dtype=points.dtype)
    row, column = torch.meshgrid(ys, xs, indexing='ij')
    cells = torch.stack([column, row], -1)
    positions = cells @ back.mT.unsqueeze(1) + start.mT.unsqueeze(1)
    # grid_sample counts from −1 to 1 between the outer edges of the image.
    extent = positions.new_tensor([images.shape[3], images.shape[2]])
    grid = (positions * 2 + 1) / extent - 1
    pixels = images if images.is_floating_point() else images.to(grid.dtype)
    pixels = pixels.expand(len(points), -1, -1, -1)
    crops = F.grid_sample(pixels, grid.to(pixels.dtype), mode='bilinear', padding_mode='zeros', align_corners=False)
    return crops if images.is_floating_point() else crops.round().clamp(0, 255).to(images.dtype)
