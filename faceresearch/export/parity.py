"""Proof that an exported graph computes what the network computes."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn

from faceresearch.errors import UserError
from faceresearch.export.trace import INPUT_NAME
from faceresearch.structures import FaceDataSample

if TYPE_CHECKING:
    import onnxruntime
    from rich.table import Table

#: Largest difference of any output element that counts as equal.
TOLERANCE = 1e-4
#: In a network that single precision itself cannot compute to TOLERANCE, the graph may be this many times as far off as
#: torch is at its worst. (Trained detectors stay far below; deep ones with random weights do not.)
ROUNDING_FACTOR = 2
#: Single precision has seven digits: of values above 100 (the length of an untrained embedding, say) this share may differ.
RELATIVE_TOLERANCE = 1e-6
#: Image sizes (h, w) that are compared: multiples of 32, odd ones, upright and lying.
SIZES = ((64, 96), (203, 317), (320, 256))
BATCHES = (1, 4)


@dataclass(frozen=True)
class Comparison:
    """One output of one comparison between onnxruntime, in single precision, and torch, in double.

    Args:
        output: name.
        input_shape: (N, 3, H, W).
        shape: shape of torch's output.
        max_abs: largest absolute difference; NaN where one side is not finite, infinite where shapes differ.
        rounding: largest absolute difference between torch in single and in double precision.
        max_value: largest absolute value of torch's output.
        variation: largest change of any element from image to image of the batch, in torch's output.
        limit: largest difference that counts as equal.
    """

    output: str
    input_shape: tuple[int, ...]
    shape: tuple[int, ...]
    max_abs: float
    rounding: float
    max_value: float
    variation: float
    limit: float = TOLERANCE

    @property
    def relative(self) -> float:
        """Largest difference as a fraction of the largest value."""
        return self.max_abs / self.max_value if self.max_value else self.max_abs

    @property
    def equal(self) -> bool:
        """Whether both sides agree; False if either is not finite."""
        return math.isfinite(self.limit) and self.max_abs <= self.limit


def open_session(graph: bytes) -> onnxruntime.InferenceSession:
    """Load a serialised graph into onnxruntime on the CPU, with its default optimisations.

    Raises:
        UserError: onnxruntime refuses the graph.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=['CPUExecutionProvider'])
    except Exception as error:  # onnxruntime's exceptions share no base class.
        raise UserError(
            f'onnxruntime {onnxruntime.__version__} refuses the graph: {str(error).splitlines()[0]}'
        ) from error


def compare(
    network: nn.Module,
    graph: bytes,
    output_names: Sequence[str],
    normalize: nn.Module | None = None,
    sizes: Sequence[tuple[int, int]] = SIZES,
    batches: Sequence[int] = BATCHES,
) -> list[Comparison]:
    """Run a network and its graph on the same images.

    Torch computes in double precision: what is measured is the graph's error, not the sum of it and of torch's own
    rounding, which in some networks is the larger of the two.

    Args:
        network: what was exported; takes (N, 3, H, W). An attribute ``lists`` says that row i of all its outputs is one
            thing of a list, whose order two equal scores may change: rows are matched then. An attribute ``batches``
            says which batch sizes it takes.
        graph: serialised ONNX.
        output_names: names of the outputs.
        normalize: the model's data preprocessor, so that values have the range the network was made for.
        sizes: image sizes (h, w).
        batches: batch sizes.

    Raises:
        UserError: torch or onnxruntime cannot process one of the sizes.
    """
    session = open_session(graph)
    exact = copy.deepcopy(network).double()
    rows = []
    for height, width in sizes:
        for batch in getattr(network, 'batches', batches):
            images = synthetic_images(batch, height, width, normalize, getattr(network, 'input_channels', 3))
            try:
                with torch.inference_mode():
                    expected, rounded = exact(images.double()), network(images)
                actual = session.run(list(output_names), {INPUT_NAME: images.numpy()})
            except Exception as error:  # torch and onnxruntime raise what they like.
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise UserError(
                    f'images of {height} x {width}, {batch} at once, do not go through: {reason}'
                ) from error
            reference, single = [o.numpy() for o in expected], [o.numpy() for o in rounded]
            if getattr(network, 'lists', False):
                single, actual = _matched(reference, single), _matched(reference, actual)
            rows += [
                _row(name, tuple(images.shape), *values)
                for name, *values in zip(output_names, reference, single, actual, strict=True)
            ]
    worst = {name: max(row.rounding for row in rows if row.output == name) for name in output_names}
    largest = {name: max(row.max_value for row in rows if row.output == name) for name in output_names}
    limits = {n: max(TOLERANCE, ROUNDING_FACTOR * worst[n], RELATIVE_TOLERANCE * largest[n]) for n in output_names}
    return [replace(row, limit=limits[row.output]) for row in rows]


def synthetic_images(
    batch: int, height: int, width: int, normalize: nn.Module | None, channels: int = 3
) -> torch.Tensor:
    """Return seeded images (N, channels, H, W) with structure at several scales, normalised by ``normalize`` if given."""
    rng = np.random.default_rng([batch, height, width])
    images = np.zeros((batch, height, width, channels), np.float64)
    for cells in (2, 5, 16, 64):
        for image in images:
            noise = rng.uniform(-1, 1, (cells, cells, channels))
            # OpenCV drops a single channel.
            image += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).reshape(image.shape)
    pixels = np.clip(127.5 + 80 * images, 0, 255).astype(np.uint8)
    tensor = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())
    if normalize is None:
        return tensor.float() / 255
    # mmpose's notes the size of the batch in every sample.
    samples = [FaceDataSample() for _ in tensor]
    return normalize({'inputs': list(tensor), 'data_samples': samples}, False)['inputs'].float()


def check(rows: Sequence[Comparison]) -> None:
    """Raise unless all comparisons are equal.

    Raises:
        UserError: names the worst output and its image size.
    """
    failed = [row for row in rows if not row.equal]
    if not failed:
        return
    worst = max(failed, key=lambda row: math.inf if math.isnan(row.max_abs) else row.max_abs / row.limit)
    batch, height, width = worst.input_shape[0], *_sides(worst.input_shape)
    raise UserError(
        f'ONNX and torch differ: output {worst.output!r} by {worst.max_abs:.3g} (relative {worst.relative:.3g}) '
        f'for {batch} images of {height} x {width}, more than {worst.limit:.2g}; {len(failed)} of {len(rows)} '
        'comparisons failed and no file was written. Try another --opset, or --no-verify if you mean to look at the graph'
    )


def _sides(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of (N, C, H, W), or of bytes (N, H, W, C)."""
    return (shape[2], shape[3]) if shape[1] < shape[3] else (shape[1], shape[2])


def says_little(rows: Sequence[Comparison]) -> bool:
    """Tell whether the outputs depend so little on the image that parity would hold for wrong weights too."""
    return all(row.variation <= 10 * row.limit for row in rows)


def parity_table(rows: Sequence[Comparison], title: str = '') -> Table:
    """Return the comparisons as a table for the terminal; the last figure is torch's own error."""
    from rich.table import Table

    title = title or f'onnxruntime against torch in float64, largest difference (limit {TOLERANCE:g})'
    table = Table(title=title, title_justify='left')
    for column in ('input', 'output', 'absolute', 'relative', 'torch float32', ''):
        numeric = column in ('absolute', 'relative', 'torch float32')
        # Long names take several lines; figures and verdicts stay whole.
        table.add_column(
            column, justify='right' if numeric else 'left', no_wrap=column != 'output', min_width=8 if numeric else 2
        )
    for row in rows:
        table.add_row(
            _times(row.input_shape),
            row.output,
            f'{row.max_abs:.2e}',
            f'{row.relative:.2e}',
            f'{row.rounding:.2e}',
            'ok' if row.equal else 'FAILED',
        )
    return table


def _row(
    name: str, input_shape: tuple[int, ...], ours: np.ndarray, rounded: np.ndarray, theirs: np.ndarray
) -> Comparison:
    same_shape = ours.shape == theirs.shape
    return Comparison(
        output=name,
        input_shape=input_shape,
        shape=ours.shape,
        max_abs=_largest(ours - theirs) if same_shape else math.inf,
        rounding=_largest(ours - rounded),
        max_value=_largest(ours),
        variation=float(np.ptp(ours, axis=0).max(initial=0.0)) if ours.size else 0.0,
    )


def _matched(reference: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the rows of ``other`` in the order in which they are nearest, all in all, to those of ``reference``."""
    if any(one.shape != two.shape for one, two in zip(reference, other)):
        return list(other)
    one, two = (np.concatenate([o.reshape(len(o), -1) for o in outputs], 1) for outputs in (reference, other))
    distances = np.nan_to_num(np.abs(one[:, None] - two[None]).sum(-1), nan=1e30)
    _, order = linear_sum_assignment(distances)
    return [values[order] for values in other]


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values).max(initial=0.0))


def _times(shape: tuple[int, ...]) -> str:
    return ' x '.join(str(n) for n in shape)
