"""A run as data: what its report shows, kept beside it so that two runs can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from faceresearch.errors import UserError
from faceresearch.evaluation.plots import CurvePlot, Picture, plot_from_json, plot_to_json
from faceresearch.fileio import atomic_path

#: File of a run beside its page.
RECORD_NAME = 'report.json'
_FORM = 1
#: A record with thinned curves is some hundred kilobytes; an IJB run of many galleries some megabytes.
_MAX_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Shown:
    """A plot of a run: its file beside the record, title, caption, and its curves where it is made of curves."""

    file: str
    title: str
    caption: str
    plot: CurvePlot | None = None


@dataclass(frozen=True)
class RunRecord:
    """A test, or a judgement of stored predictions.

    Attributes:
        name: of the model, or of the file of predictions.
        config: file of the config.
        config_text: the resolved config.
        settings: value, as text, of every key of the config.
        facts: about the run, by name: checkpoint, benchmark, protocol.
        figures: as in ``metrics.json``.
        plots: what was drawn.
        environment: see :func:`faceresearch.reports.environment.environment`.
        folder: where the plots are.
    """

    name: str
    config: str
    config_text: str
    settings: Mapping[str, str]
    facts: Mapping[str, str]
    figures: Mapping[str, float]
    plots: Sequence[Shown] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()


def write_record(record: RunRecord) -> None:
    """Write ``report.json`` into the run's folder.

    Raises:
        UserError: the folder cannot be written.
    """
    plots = [
        {**asdict(Shown(shown.file, shown.title, shown.caption)), 'plot': shown.plot and plot_to_json(shown.plot)}
        for shown in record.plots
    ]
    content = {
        'form': _FORM,
        **{key: dict(value) if isinstance(value, Mapping) else value for key, value in vars(record).items()},
    }
    content |= {'plots': plots}
    del content['folder']
    with atomic_path(record.folder / RECORD_NAME) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')


def read_run(path: str | Path) -> RunRecord:
    """Read a run: the folder of a report, its ``report.json``, or a ``metrics.json``, which has figures alone.

    Raises:
        UserError: there is no such file, or it is something else.
    """
    path = Path(path)
    file = path / RECORD_NAME if path.is_dir() else path
    if not file.is_file():
        raise UserError(f'{file}: no such file: name the folder of a report (tools/test.py --report) or a metrics.json')
    if file.stat().st_size > _MAX_BYTES:
        raise UserError(f'{file}: {file.stat().st_size} bytes are too many for the record of a run')
    try:
        content = json.loads(file.read_text(encoding='utf-8'))
        if isinstance(content, dict) and 'form' not in content:
            return RunRecord(
                file.parent.name if file.stem == 'metrics' else file.stem, '', '', {}, {}, _figures(content)
            )
        if content['form'] != _FORM:
            raise UserError(f'{file}: a record of form {content["form"]}, and this version reads {_FORM}: test again')
        plots = [_shown(entry) for entry in content['plots']]
        return RunRecord(
            name=str(content['name']),
            config=str(content['config']),
            config_text=str(content['config_text']),
            settings=_texts(content['settings']),
            facts=_texts(content['facts']),
            figures=_figures(content['figures']),
            plots=plots,
            environment=_texts(content['environment']),
            folder=file.parent,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f'{file}: not the record of a run (tools/test.py --report or --out): {error}') from error


def shown(pictures: Sequence[Picture], folder: Path) -> list[Shown]:
    """Return pictures by their files' place in a folder."""
    return [Shown(p.path.relative_to(folder).as_posix(), p.title, p.caption, p.plot) for p in pictures]


def flat_settings(tree: Any, prefix: str = '') -> dict[str, str]:
    """Return the value, as text, of every key of a config; items of lists are keys by number."""
    return dict(_leaves(tree, prefix))


def _leaves(tree: Any, prefix: str) -> Iterator[tuple[str, str]]:
    items: Any
    if isinstance(tree, Mapping) and tree:
        items = tree.items()
    elif isinstance(tree, list | tuple) and any(isinstance(item, Mapping) for item in tree):
        items = enumerate(tree)
    else:
        yield prefix, repr(tree)
        return
    for key, value in items:
        yield from _leaves(value, f'{prefix}.{key}' if prefix else str(key))


def _shown(entry: dict[str, Any]) -> Shown:
    # Only files beside the record are ever read.
    name = Path(str(entry['file']))
    if name.is_absolute() or '..' in name.parts:
        raise ValueError(f'the file {name} is not beside the record')
    plot = entry.get('plot')
    return Shown(name.as_posix(), str(entry['title']), str(entry['caption']), plot and plot_from_json(plot))


def _figures(content: Any) -> dict[str, float]:
    if not isinstance(content, dict) or not all(isinstance(value, int | float) for value in content.values()):
        raise ValueError('figures are a flat object of numbers')
    return {str(key): value for key, value in content.items()}


def _texts(content: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in content.items()}
