"""What a converter is: rules that account for every tensor of a published checkpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from faceresearch.errors import UserError


@dataclass(frozen=True)
class Converter:
    """Rules that rename the tensors of one origin's checkpoints.

    Attributes:
        name: the origin, as ``repository`` or ``repository:part``.
        detect: names that must all be present for a checkpoint to be of this origin.
        rules: (pattern, replacement) pairs of regular expressions; the first that matches a whole name applies. A
            replacement may be a function of the match.
        dropped: (pattern, reason) pairs for tensors the model has no place for.
        prefix: the converted names all start with this: the part of the model the checkpoint fills.
        slices: (pattern, ends) pairs for tensors that hold several in their first dimension: ``name`` becomes
            ``name[0:7]``, ``name[7:9]``, …, to which rules then apply.
        lengths: (name, length) pairs: first dimensions that tell networks with the same names apart.
        dense: patterns of weights stored as convolutions over the whole map, of which the model has linear layers.
        remedies: (pattern, remedy) pairs for new names that only some configs of the family have: what to do where the
            model lacks one.
    """

    name: str
    detect: tuple[str, ...]
    rules: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]
    dropped: tuple[tuple[str, str], ...] = ()
    prefix: str = ''
    slices: tuple[tuple[str, tuple[int, ...]], ...] = ()
    lengths: tuple[tuple[str, int], ...] = ()
    dense: tuple[str, ...] = ()
    remedies: tuple[tuple[str, str], ...] = ()


@dataclass
class ConversionReport:
    """What became of every tensor of the source."""

    converter: str
    mapped: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)


def find_converter(state: Mapping[str, Tensor], converters: Sequence[Converter]) -> Converter:
    """Return the converter whose telltale names are all in the checkpoint.

    Raises:
        UserError: no converter knows such a checkpoint.
    """
    for converter in converters:
        if all(name in state for name in converter.detect) and all(
            state[name].shape[:1] == (length,) for name, length in converter.lengths
        ):
            return converter
    raise UserError(
        f'no converter knows a checkpoint with tensors such as {", ".join(list(state)[:3]) or "(none)"};'
        f' known origins: {", ".join(dict.fromkeys(c.name for c in converters))}'
    )


def convert(
    state: Mapping[str, Tensor], target: Mapping[str, Tensor], converter: Converter, only: str = ''
) -> tuple[dict[str, Tensor], ConversionReport]:
    """Rename the tensors of ``state`` to the names of ``target``, completely.

    Args:
        state: tensors of the published checkpoint.
        target: state dict of the model to fill; only its names and shapes are used.
        converter: the origin's rules.
        only: take only tensors whose new name starts with this (a detector's backbone, say).

    Returns:
        The converted tensors and the report.

    Raises:
        UserError: a tensor has no rule, goes to a name the model lacks, has another shape, or the model keeps a
            tensor without a source (batch counters, which old checkpoints lack, excepted).
    """
    report = ConversionReport(converter.name)
    result: dict[str, Tensor] = {}
    for name, tensor in _sliced(state, converter).items():
        new = _rename(name, converter, report)
        if new is None:
            continue
        if only and not new.startswith(only):
            report.dropped[name] = f'not part of {only}'
            continue
        if new not in target:
            remedy = next((r for pattern, r in converter.remedies if re.fullmatch(pattern, new)), None)
            raise UserError(
                f'{converter.name}: {name} would become {new}, which the model lacks; '
                f'{remedy or "is it the right config?"}'
            )
        if tensor.dim() == 4 and any(re.fullmatch(pattern, name) for pattern in converter.dense):
            tensor = tensor.flatten(1)
        if tensor.shape != target[new].shape:
            raise UserError(
                f'{converter.name}: {name} is {tuple(tensor.shape)}, the model has {tuple(target[new].shape)} at {new};'
                ' is it the right config?'
            )
        if new in result:
            raise UserError(f'{converter.name}: two tensors become {new}; {name} is the second')
        result[new] = tensor.to(target[new].dtype)
        report.mapped[name] = new
    wanted = [n for n in target if n.startswith(converter.prefix) and n not in result]
    missing = [n for n in wanted if not n.endswith('num_batches_tracked')]
    if missing:
        raise UserError(f'{converter.name}: nothing in the checkpoint fills {missing[0]} and {len(missing) - 1} more')
    result.update({n: target[n].clone() for n in wanted})
    return result, report


def _sliced(state: Mapping[str, Tensor], converter: Converter) -> Mapping[str, Tensor]:
    """Return the tensors with those that hold several cut up."""
    if not converter.slices:
        return state
    pieces: dict[str, Tensor] = {}
    for name, tensor in state.items():
        ends = next((ends for pattern, ends in converter.slices if re.fullmatch(pattern, name)), None)
        if ends is None:
            pieces[name] = tensor
            continue
        if not tensor.dim() or len(tensor) != ends[-1]:
            raise UserError(f'{converter.name}: {name} is {tuple(tensor.shape)}, {ends[-1]} rows are expected')
        for start, end in zip((0, *ends), ends):
            pieces[f'{name}[{start}:{end}]'] = tensor[start:end]
    return pieces


def _rename(name: str, converter: Converter, report: ConversionReport) -> str | None:
    for pattern, reason in converter.dropped:
        if re.fullmatch(pattern, name):
            report.dropped[name] = reason
            return None
    for pattern, replacement in converter.rules:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, replacement, name)
    raise UserError(f'{converter.name}: there is no rule for tensor {name}; the checkpoint is of another model')
