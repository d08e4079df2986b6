"""The index of published models: what ``configs/*/metafile.yml`` say of weights, licences, figures and evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from faceresearch.config.paths import configs_folder
from faceresearch.errors import UserError, did_you_mean


@dataclass(frozen=True)
class PublishedWeights:
    """A published checkpoint.

    Attributes:
        origin: repository and file, in words.
        url: address it can be fetched from directly; None where a person has to (a drive, a form).
        sha256: of the file; None where nobody has published it.
        size: bytes; None if unknown.
        licences: of ``code``, ``weights`` and training ``data``.
    """

    origin: str
    url: str | None = None
    sha256: str | None = None
    size: int | None = None
    licences: dict[str, str] = field(default_factory=dict)

    @property
    def restricted(self) -> str:
        """The terms of the weights where they forbid commercial use or are not stated, else an empty string."""
        terms = self.licences.get('weights', 'none stated')
        words = terms.lower()
        marks = ('non-commercial', 'noncommercial', '-nc', 'none stated', 'research')
        return terms if any(mark in words for mark in marks) else ''


@dataclass(frozen=True)
class StatedFigures:
    """Figures that a row of the index states.

    Attributes:
        protocol: test set and protocol, in words.
        source: who measured them.
        metrics: figures by name.
    """

    protocol: str
    source: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class ZooModel:
    """A row of the index.

    Attributes:
        name: of the model and of its config.
        family: the collection it belongs to.
        config: file, relative to the folder that holds ``configs/``.
        parameters: of the network, as our tool counts them.
        evidence: 0 builds · 1 equal to the original network · 2 to its training steps · 3 published weights match on
            real images · 4 a published figure reproduced.
        weights: the published checkpoint, if one comes in.
        figures: published ones, those of the original code, and ours, in this order.
    """

    name: str
    family: str
    config: str
    parameters: int | None
    evidence: int
    weights: PublishedWeights | None
    figures: tuple[StatedFigures, ...] = ()


@dataclass(frozen=True)
class ExternalModel:
    """A model of another toolkit that is not rebuilt here.

    Attributes:
        name: as the toolkits write it.
        task: such as ``detection``.
        origin: repository and file, in words.
        reason: why it is not here.
        nearest: name of our model that comes nearest.
    """

    name: str
    task: str
    origin: str
    reason: str
    nearest: str


def read_external(path: str | Path | None = None) -> list[ExternalModel]:
    """Return the models of other toolkits that the index names.

    Args:
        path: an index file; ours (``model-index.yml``) by default.

    Raises:
        UserError: it is no YAML, or a row lacks something.
    """
    path = Path(path or index_file())
    try:
        rows = (yaml.safe_load(path.read_text(encoding='utf-8')) or {}).get('External') or []
        return [ExternalModel(**{key.lower(): str(value) for key, value in row.items()}) for row in rows]
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f'{path}: cannot be read as YAML: {" ".join(str(error).split())}') from error
    except (TypeError, AttributeError) as error:
        raise UserError(f'{path}: an external model needs Name, Task, Origin, Reason and Nearest ({error})') from error


def index_file() -> Path:
    """Return ``model-index.yml``, in the installed package beside the configs, in a checkout beside their folder."""
    folder = configs_folder()
    inside = folder / 'model-index.yml'
    return inside if inside.is_file() else folder.parent / 'model-index.yml'


def read_index(folder: str | Path | None = None) -> dict[str, ZooModel]:
    """Return all models by name, in the order of families and rows.

    Args:
        folder: a folder of families with a ``metafile.yml`` each; ours by default.

    Raises:
        UserError: a metafile is no YAML, or a row lacks what every row has.
    """
    models: dict[str, ZooModel] = {}
    for path in sorted(Path(folder or configs_folder()).glob('*/metafile.yml')):
        try:
            rows = (yaml.safe_load(path.read_text(encoding='utf-8')) or {}).get('Models') or []
            models.update({row['Name']: _model(row) for row in rows})
        except yaml.YAMLError as error:
            raise UserError(f'{path}: is no YAML: {" ".join(str(error).split())}') from error
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f'{path}: a model is described without {error}; see CONTRIBUTING.md') from error
    return models


def find_models(names: list[str], index: dict[str, ZooModel]) -> list[ZooModel]:
    """Return the rows of some names.

    Raises:
        UserError: a name is not in the index.
    """
    for name in names:
        if name not in index:
            near = did_you_mean(name, index)
            raise UserError(f'{name}: no model of that name.{near} tools/download.py --list shows them all')
    return [index[name] for name in dict.fromkeys(names)]


def _model(row: dict[str, Any]) -> ZooModel:
    weights = row.get('Weights')
    return ZooModel(
        name=row['Name'],
        family=row['In Collection'],
        config=row['Config'],
        parameters=row['Metadata'].get('Parameters'),
        evidence=int(row['Evidence']['Level']),
        weights=_weights(weights) if weights else None,
        figures=tuple(_figures(row)),
    )


def _figures(row: dict[str, Any]) -> list[StatedFigures]:
    stated = [
        StatedFigures(
            str(entry.get('Protocol') or entry.get('Dataset')),
            str(entry.get('Source') or 'published'),
            _numbers(entry['Metrics']),
        )
        for entry in row.get('Published') or []
    ]
    for entry in row.get('Results') or []:
        for key, source in (('Original', 'the original code'), ('Metrics', 'this project, recorded in the index')):
            if entry.get(key):
                stated.append(StatedFigures(str(entry['Dataset']), source, _numbers(entry[key])))
    return stated


def _numbers(metrics: dict[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in metrics.items() if isinstance(value, int | float)}


def _weights(entry: dict[str, Any]) -> PublishedWeights:
    return PublishedWeights(
        origin=str(entry['origin']),
        url=entry.get('url'),
        sha256=entry.get('sha256'),
        size=entry.get('size'),
        licences={str(key): str(value) for key, value in (entry.get('licences') or {}).items()},
    )
