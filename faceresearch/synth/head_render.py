"""Ray-marching a head's radius map into a picture, with labels from the same projection."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .features import five_points
from .glasses import draw_glasses
from .hair import add_face_mask, add_hair, add_headwear
from .head_maps import HeadMaps
from .head_shape import FACE_PHI_CHIN, FACE_PHI_HAIRLINE, FACE_U, bare_radius, directions, grid, surface_points
from .head_texture import paint_face
from .head_view import HeadView
from .identity import Appearance, Expression, Identity
from .landmarks import face_landmarks, mark_neck, visible_landmarks
from .lighting import Lighting, normals_from_height, shade
from .parts import HIDING_PARTS, Part

#: Height of a frontal face (hairline to chin) in length units, used to turn a wanted pixel height into a scale.
FACE_HEIGHT_UNITS = 2.38


@dataclass
class RenderedHead:
    """A head's picture at scene resolution with its labels in scene pixels.

    ``colour`` (h, w, 3) display values and ``alpha`` (h, w) start at ``origin`` (x, y); ``part`` (h, w) ids; ``face``
    (h, w) bool: footprint
    of the facial region; ``hidden`` (h, w) bool: covered there by what is worn. ``box`` is None when no part of the
    facial region faces the viewer. ``landmarks`` (K, 2) and ``landmarks_visible`` (K,) are those of the scheme that was
    asked for.
    """

    colour: np.ndarray
    alpha: np.ndarray
    part: np.ndarray
    face: np.ndarray
    hidden: np.ndarray
    origin: tuple[int, int]
    box: np.ndarray | None
    keypoints: np.ndarray
    keypoints_visible: np.ndarray
    landmarks: np.ndarray | None = None
    landmarks_visible: np.ndarray | None = None


def build_maps(person: Identity, expression: Expression, looks: Appearance, height: int) -> HeadMaps:
    """All surface maps of a dressed head at ``height`` rows."""
    maps = HeadMaps.bare(bare_radius(person, expression, height), person.skin)
    paint_face(maps, person, expression, looks)
    if looks.headwear != 'hood' or looks.hair_style in ('long', 'bob'):
        add_hair(maps, person, looks)
    if looks.face_mask:
        add_face_mask(maps, person, looks)
    add_headwear(maps, looks)
    np.clip(maps.radius, 0.4, 3.6, out=maps.radius)
    return maps


def face_outline(maps: HeadMaps, view: HeadView) -> np.ndarray:
    """Projected points (n, 2) of the bare facial region that face the viewer: their bounds are the box, their hull
    the footprint.
    """
    u = np.linspace(-FACE_U, FACE_U, 29)
    phi = np.linspace(FACE_PHI_CHIN, FACE_PHI_HAIRLINE, 31)
    uu, pp = np.meshgrid(u, phi)
    points = surface_points(maps.face_radius, np.stack([uu.ravel(), pp.ravel()], 1), view.scale).reshape(31, 29, 3)
    normals = np.cross(np.gradient(points, axis=1), np.gradient(points, axis=0)).reshape(-1, 3)
    rotation = view.rotation()
    camera = points.reshape(-1, 3) @ rotation.T
    eye = np.array([0, 0, 1 / max(view.pose.perspective, 1e-3)], np.float32)
    facing = ((normals @ rotation.T) * (eye - camera)).sum(1) > 0
    return view.project(points.reshape(-1, 3)[facing])[0]


def _march(
    maps: HeadMaps, view: HeadView, gx: np.ndarray, gy: np.ndarray, start: np.ndarray | float, steps: int
) -> tuple[np.ndarray, ...]:
    """Depth just before the surface, bracket left (1: not met), map cell (column, row) of rays through image-plane
    points (units).

    Steps of at most a fraction of the gap; one that would enter the head is refused and halved, so that steep relief
    is not jumped.
    """
    rotation = view.rotation()
    inverse = (rotation.T / view.scale[:, None]).astype(np.float32)
    k = np.float32(view.pose.perspective)
    base = [inverse[i, 0] * gx + inverse[i, 1] * gy for i in range(3)]
    slope = [inverse[i, 2] - k * base[i] for i in range(3)]
    z = np.full(gx.shape, start, np.float32) if np.isscalar(start) else np.array(start, np.float32)
    cells = np.float32(maps.height / np.pi)
    half = np.float32(maps.height / 2 - 0.5)
    step = np.zeros_like(z)
    entered = np.zeros(z.shape, bool)
    col = row = z
    for _ in range(steps):
        trial = z - step
        x, y, depth = (base[i] + trial * slope[i] for i in range(3))
        across, azimuth = cv2.cartToPolar(depth, x)
        distance, elevation = cv2.cartToPolar(across, y)
        azimuth[azimuth > np.pi] -= np.float32(2 * np.pi)
        elevation[elevation > np.pi] -= np.float32(2 * np.pi)
        col, row = azimuth * cells + (maps.height - np.float32(0.5)), half - elevation * cells
        gap = distance - cv2.remap(maps.radius, col, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = gap < 0
        entered |= inside
        np.copyto(z, trial, where=~inside)
        ahead = np.minimum(gap * np.float32(0.65), np.float32(0.3))
        step = np.where(inside, step * np.float32(0.5), np.where(entered, ahead, np.maximum(ahead, np.float32(0.06))))
    return z, np.where(entered, step, 1), col, row


def trace(
    maps: HeadMaps, view: HeadView, xs: np.ndarray, ys: np.ndarray, start: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Depth, hit mask and map cells for a window of rays; large windows first at half resolution."""
    gx, gy = np.meshgrid(xs, ys)
    if gx.size <= 5000:
        z, left, col, row = _march(maps, view, gx, gy, start, 18)
    else:
        coarse, met = _march(maps, view, gx[::2, ::2], gy[::2, ::2], start, 15)[:2]
        square = np.ones((3, 3), np.uint8)
        guess = cv2.resize(cv2.dilate(coarse, square) + 0.03, gx.shape[::-1], interpolation=cv2.INTER_LINEAR)
        z, left, col, row = _march(maps, view, gx, gy, guess, 7)
        near = cv2.resize(
            cv2.dilate((met < 1).astype(np.uint8), square), gx.shape[::-1], interpolation=cv2.INTER_NEAREST
        )
        late = np.flatnonzero((left > 0.1) & (near > 0))[:30000]
        if len(late):  # just past an edge, with far to go
            again = _march(maps, view, gx.flat[late][:, None], gy.flat[late][:, None], z.flat[late][:, None], 14)
            for whole, part in zip((z, left, col, row), again, strict=True):
                whole.flat[late] = part.ravel()
    return z, (left < 0.12) & (z > -start - 0.5), col, row


def head_window(maps: HeadMaps, view: HeadView) -> tuple[int, int, int, int, float]:
    """Scene window x0, y0, x1, y1 that holds the whole head, and a depth in front of it."""
    step = max(1, maps.height // 32)
    u, phi = grid(maps.height)
    us, ps, rs = (
        u[::step, ::step].ravel(),
        phi[::step, ::step].ravel(),
        cv2.dilate(maps.radius, np.ones((step, step), np.uint8))[::step, ::step].ravel(),
    )
    pixels, depth = view.project(directions(us, ps) * rs[:, None] * view.scale)
    low, high = np.floor(pixels.min(0)).astype(int) - 2, np.ceil(pixels.max(0)).astype(int) + 3
    return int(low[0]), int(low[1]), int(high[0]), int(high[1]), float(depth.max()) + 0.1


def _cast_shadow(z: np.ndarray, pixel: float, light: Lighting) -> np.ndarray:
    """Key light visibility (h, w) from shadows that the surface casts on itself, by stepping towards the light over
    the depth map.
    """
    blocked = np.zeros(z.shape, np.float32)
    lx, ly, lz = (float(v) for v in light.direction)
    last = (0, 0)
    for reach in (0.08, 0.14, 0.22, 0.32, 0.45, 0.65, 0.9):
        dx, dy = round(reach * lx / pixel), round(-reach * ly / pixel)
        if (dx, dy) == last or abs(dx) >= z.shape[1] or abs(dy) >= z.shape[0]:
            continue
        last = (dx, dy)
        moved = cv2.warpAffine(
            z,
            np.array([[1, 0, -dx], [0, 1, -dy]], np.float32),
            (z.shape[1], z.shape[0]),
            flags=cv2.INTER_NEAREST,
            borderValue=-9,
        )
        blocked = np.maximum(blocked, np.clip((moved - z - reach * lz - 0.03) * 14, 0, 1) * (1 - 0.4 * reach))
    sigma = max(0.6, (0.10 - 0.07 * light.hardness) / pixel)
    return 1 - 0.9 * cv2.GaussianBlur(blocked, (0, 0), sigma)


def surface_colour(
    maps: HeadMaps, z: np.ndarray, hit: np.ndarray, col: np.ndarray, row: np.ndarray, pixel: float, light: Lighting
) -> tuple[np.ndarray, np.ndarray]:
    """Lit colour (h, w, 3) and part ids (h, w)."""
    albedo = cv2.remap(maps.albedo, col, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    detail = cv2.remap(
        cv2.merge([maps.ambient, maps.gloss, maps.bump]), col, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    part = cv2.remap(maps.part, col, row, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    floor = float(z[hit].min()) if hit.any() else 0.0
    depth = np.where(hit, z, floor)
    fade = min(1.0, 0.045 / pixel)
    normals = normals_from_height(depth + detail[..., 2] * fade, pixel)
    hollow = np.clip((cv2.GaussianBlur(depth, (0, 0), max(0.7, 0.16 / pixel)) - depth) * 2.2, 0, 0.55)
    ambient = detail[..., 0] * (1 - hollow)
    skin = (part < Part.HAIR) | (part == Part.NECK)
    colour = shade(
        albedo,
        normals,
        light,
        ambient,
        _cast_shadow(depth, pixel, light) * (0.45 + 0.55 * detail[..., 0]),
        detail[..., 1],
        1.0 if skin.any() else 0.0,
    )
    return colour, np.where(hit, part, 0).astype(np.uint8)


def _sampling(face_height: float) -> tuple[int, float]:
    """Rows of the maps and rays per scene pixel for a face of this height in pixels."""
    rays = 2.0 if face_height < 26 else 1.5 if face_height < 62 else 1.0 if face_height < 190 else 0.5
    rows = int(np.clip(face_height * min(rays, 2) * 1.4, 48, 288)) // 16 * 16
    return rows, rays


def render_head(
    person: Identity,
    expression: Expression,
    looks: Appearance,
    view: HeadView,
    light: Lighting,
    scheme: str | None = None,
) -> RenderedHead:
    """Draws one head and computes its labels, with landmarks of one of :data:`~.landmarks.SCHEMES` if asked for.

    With landmarks, parts end at the jaw that they mark.
    """
    rows, rays = _sampling(view.unit * FACE_HEIGHT_UNITS)
    maps = build_maps(person, expression, looks, rows)
    if scheme is not None:
        mark_neck(maps, person)
    x0, y0, x1, y1, front = head_window(maps, view)
    if rays in (0.5, 1.5):
        x1, y1 = x1 + (x1 - x0) % 2, y1 + (y1 - y0) % 2
    size = (round((y1 - y0) * rays), round((x1 - x0) * rays))
    xs = ((x0 + (np.arange(size[1], dtype=np.float32) + 0.5) / rays - view.centre[0]) / view.unit).astype(np.float32)
    ys = (-(y0 + (np.arange(size[0], dtype=np.float32) + 0.5) / rays - view.centre[1]) / view.unit).astype(np.float32)
    z, hit, col, row = trace(maps, view, xs, ys, front)
    pixel = 1 / (view.unit * rays)
    colour, part = surface_colour(maps, z, hit, col, row, pixel, light)
    if looks.glasses != 'none':
        draw_glasses(
            colour, part, z, person, looks, lambda points: to_window(view, points, (x0, y0), rays), 1 / pixel, light
        )
    outline = face_outline(maps, view)
    face = np.zeros(size, np.uint8)
    box = None
    if len(outline) >= 12:
        hull = cv2.convexHull(((outline - (x0, y0)) * rays).astype(np.float32))
        cv2.fillPoly(face, [np.round(hull * 16).astype(np.int32)], 1, shift=4)
        box = np.concatenate([outline.min(0), outline.max(0)]).astype(np.float32)
    points = surface_points(maps.face_radius, five_points(person, expression), view.scale)
    pixels, depths = view.project(points)
    at = np.clip(((pixels - (x0, y0)) * rays).astype(int), 0, (size[1] - 1, size[0] - 1))
    seen = depths > z[at[:, 1], at[:, 0]] - 0.14
    hidden = np.isin(part, HIDING_PARTS)
    alpha = hit.astype(np.float32)
    drawn = RenderedHead(colour, alpha, part, face.astype(bool), hidden, (x0, y0), box, pixels.astype(np.float32), seen)
    if scheme is not None:
        marks = face_landmarks(scheme, maps, view, person, expression)
        at = (np.concatenate([marks.points, pixels]) - (x0, y0)) * rays
        drawn.landmarks = marks.points
        drawn.landmarks_visible = visible_landmarks(marks, at[:-5], at[-5:].mean(0), z, part)
    return _at_scene_scale(drawn, (x1 - x0, y1 - y0), rays)


def to_window(
    view: HeadView, points: np.ndarray, origin: tuple[int, int], rays: float
) -> tuple[np.ndarray, np.ndarray]:
    """Ray positions (n, 2) inside the window, and depths, of points in head axes (unscaled)."""
    pixels, depth = view.project(points * view.scale)
    return (pixels - origin) * rays, depth


def _at_scene_scale(head: RenderedHead, size: tuple[int, int], rays: float) -> RenderedHead:
    """Averages (or enlarges) the rays to scene pixels."""
    if rays == 1:
        head.alpha = cv2.GaussianBlur(head.alpha, (3, 3), 0.7) ** 2
        return head
    how = cv2.INTER_AREA if rays > 1 else cv2.INTER_CUBIC
    solid = head.alpha if rays > 1 else cv2.dilate(head.alpha, np.ones((3, 3), np.uint8))
    colour: np.ndarray = cv2.resize(
        head.colour * solid[..., None] if rays > 1 else head.colour, size, interpolation=how
    )
    alpha = np.clip(cv2.resize(head.alpha, size, interpolation=cv2.INTER_AREA if rays > 1 else cv2.INTER_LINEAR), 0, 1)
    if rays > 1:
        colour = colour / np.maximum(alpha, 1e-3)[..., None]
    head.colour, head.alpha = np.clip(colour, 0, 4), alpha
    head.part = cv2.resize(head.part, size, interpolation=cv2.INTER_NEAREST)
    head.face = cv2.resize(head.face.astype(np.float32), size, interpolation=how) > 0.5
    head.hidden = cv2.resize(head.hidden.astype(np.float32), size, interpolation=how) > 0.5
    return head
