"""Models on the Hugging Face hub: a folder with config, weights and a card, pushed and pulled.

A config on the hub is JSON and holds what is needed to predict and to judge: model, input contract, test pipeline. A Python
file from a stranger would be a program; this is data, and what it may name is checked before anything is built
(:func:`check_foreign_config`).
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from mmengine.config import Config

from faceresearch import __version__
from faceresearch.config import dump_config, load_config
from faceresearch.config.checks import validate
from faceresearch.config.contract import input_contract
from faceresearch.errors import UserError
from faceresearch.zoo.model_card import card_text

CONFIG_FILE, WEIGHTS_FILE, CARD_FILE = 'config.json', 'model.safetensors', 'README.md'
#: Largest files that are pulled, in bytes.
MAX_CONFIG, MAX_WEIGHTS = 4 * 2**20, 16 * 2**30
_KEYS = ('default_scope', 'model', 'contract', 'test_dataloader', 'test_evaluator', 'test_cfg')
#: Keys that would load further files or modules.
_FORBIDDEN = frozenset(('_base_', 'custom_imports', 'init_cfg', 'load_from', 'pretrained', 'from_file'))
_TYPE = re.compile(r'(?:(?:faceresearch|mmengine|mmcv|mmdet|mmpose)\.)?[A-Za-z_]\w*', re.ASCII)
_NAME = re.compile(r'[a-z0-9][a-z0-9_]*', re.ASCII)
_REPO = re.compile(r'[\w.-]+/[\w.-]+', re.ASCII)


def shared_config(cfg: Config) -> dict[str, Any]:
    """Return what of a config goes to the hub: plain data without training, weights to start from, and paths of a machine.

    Args:
        cfg: a resolved config.

    Raises:
        UserError: it has no model.
    """
    content = cfg.to_dict()
    if not content.get('model'):
        raise UserError(f'{cfg.filename}: has no model, so there is nothing to share')
    kept = {key: content[key] for key in _KEYS if content.get(key)}
    return json.loads(json.dumps(_portable(kept), allow_nan=False))


def push(
    config: str | Path,
    checkpoint: str | Path,
    repo: str,
    licence: str,
    metrics: str | Path | None = None,
    private: bool = False,
    endpoint: str | None = None,
) -> str:
    """Put a model on the hub: config, weights and a card.

    Args:
        config: a config file, or the name of one in ``configs/``.
        checkpoint: weights, a path or a zoo name; every tensor must fit.
        repo: ``owner/name``; made if there is none.
        licence: of the weights, as the hub writes it (``mit``, ``cc-by-nc-4.0``, ``other``).
        metrics: a file of ``tools/test.py --out``, shown on the card.
        private: make the repository private, if it is made.
        endpoint: address of the hub; the library's own (``HF_ENDPOINT``) by default.

    Returns:
        The address of the model's page.

    Raises:
        UserError: the weights are not the config's, the library is not installed, or the hub refuses.
    """
    hub = _library()
    _check_repo(repo)
    cfg = load_config(config)
    name = Path(str(cfg.filename)).stem
    figures = _figures(metrics)
    content = {'name': name, 'faceresearch': __version__, 'config': shared_config(cfg)}
    card = card_text(name, repo, licence, input_contract(cfg), figures)
    with tempfile.TemporaryDirectory(prefix='faceresearch_hub_') as folder:
        weights = Path(folder) / WEIGHTS_FILE
        _write_weights(cfg, checkpoint, weights)
        files = {
            CONFIG_FILE: (json.dumps(content, indent=1, allow_nan=False) + '\n').encode(),
            WEIGHTS_FILE: str(weights),
            CARD_FILE: card.encode(),
        }
        operations = [hub.CommitOperationAdd(path, data) for path, data in files.items()]
        with _errors_of(hub, repo):
            api = hub.HfApi(endpoint=endpoint)
            address = api.create_repo(repo, private=private, exist_ok=True)
            api.create_commit(repo, operations, commit_message=f'{name}, by faceresearch {__version__}')
    return str(address)


def pull(
    repo: str, folder: str | Path = 'checkpoints', revision: str | None = None, endpoint: str | None = None
) -> tuple[Path, Path]:
    """Fetch a model from the hub, check it, and write it as ``<name>.py`` and ``<name>.safetensors``.

    Nothing from the hub is executed. The files get their names only when the model was built from them and every tensor fits.

    Args:
        repo: ``owner/name``.
        folder: where the files go; files of these names that are there already are replaced.
        revision: branch, tag or commit; the newest by default.
        endpoint: address of the hub; the library's own (``HF_ENDPOINT``) by default.

    Returns:
        Config and weights.

    Raises:
        UserError: there is no such model, it is not one of faceresearch, or it is not to be trusted.
    """
    hub = _library()
    _check_repo(repo)
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f'{folder}: {error.strerror or error}; choose another folder with -o') from error
    with tempfile.TemporaryDirectory(prefix='.pull_', dir=folder) as temporary:
        with _errors_of(hub, repo):
            _check_files(hub.HfApi(endpoint=endpoint), repo, revision)
            content_file, weights = (
                Path(hub.hf_hub_download(repo, file, revision=revision, local_dir=temporary, endpoint=endpoint))
                for file in (CONFIG_FILE, WEIGHTS_FILE)
            )
        name, content = _read_content(content_file, repo)
        built = Path(temporary) / f'{name}.py'
        dump_config(Config(content), built)
        cfg = load_config(built)
        validate(cfg)
        _write_weights(cfg, weights, Path(temporary) / 'checked.safetensors')
        config, checkpoint = folder / f'{name}.py', folder / f'{name}.safetensors'
        (Path(temporary) / 'checked.safetensors').replace(checkpoint)
        built.replace(config)
    return config, checkpoint


def check_foreign_config(content: Any, place: str) -> None:
    """Refuse a config from elsewhere that names more than registered components, or files outside the current folder.

    A ``type`` that is a dotted path would be imported and called, whatever it is.

    Args:
        content: the config, or a part of it.
        place: where it comes from, for the error.

    Raises:
        UserError: a key or a type is not allowed.
    """
    for key, value in _walk(content):
        if key in _FORBIDDEN:
            raise UserError(f'{place}: the config has {key!r}, which would load something else; it is not used')
        if isinstance(value, str) and _is_private(value):
            raise UserError(f'{place}: {key}={value!r} leads out of the current folder; it is not used')
        if key == 'type' and not (isinstance(value, str) and _TYPE.fullmatch(value)):
            raise UserError(f'{place}: type {value!r} is no name of a registered component; it is not used')


def _library() -> ModuleType:
    try:
        import huggingface_hub
    except ImportError as error:
        raise UserError('the hub needs huggingface_hub: pip install huggingface_hub') from error
    return huggingface_hub


def _check_repo(repo: str) -> None:
    if not _REPO.fullmatch(repo):
        raise UserError(f'{repo!r} is no repository on the hub: write owner/name')


@contextlib.contextmanager
def _errors_of(hub: ModuleType, repo: str) -> Iterator[None]:
    """Turn what the library raises into one line."""
    errors = hub.errors
    try:
        yield
    except errors.RepositoryNotFoundError as error:
        hint = 'there is no such repository, or it is private: huggingface-cli login, or set HF_TOKEN'
        raise UserError(f'{repo}: {hint}') from error
    except (errors.EntryNotFoundError, errors.RevisionNotFoundError) as error:
        hint = f'has no {CONFIG_FILE} and {WEIGHTS_FILE} in that revision: it is no model of faceresearch'
        raise UserError(f'{repo}: {hint}') from error
    except (errors.HfHubHTTPError, errors.LocalTokenNotFoundError, OSError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f'{repo}: the hub did not answer as it should ({first})') from error


def _check_files(api: Any, repo: str, revision: str | None) -> None:
    """Refuse, before anything is fetched, a repository without our files or with absurdly large ones."""
    limits = {CONFIG_FILE: MAX_CONFIG, WEIGHTS_FILE: MAX_WEIGHTS}
    found = {file.path: file for file in api.get_paths_info(repo, list(limits), revision=revision)}
    for path, limit in limits.items():
        if path not in found:
            raise UserError(f'{repo}: has no {path}: it is no model of faceresearch')
        if found[path].size > limit:
            raise UserError(f'{repo}: {path} has {found[path].size} bytes, at most {limit} are fetched')


def _read_content(path: Path, repo: str) -> tuple[str, dict[str, Any]]:
    """Return name and config of a pulled model, checked."""
    place = f'{repo}: {CONFIG_FILE}'
    if path.stat().st_size > MAX_CONFIG:
        raise UserError(f'{place}: has more than {MAX_CONFIG} bytes')
    try:
        stored = json.loads(path.read_bytes(), parse_constant=_no_number)
        name, content = stored['name'], stored['config']
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f'{place}: is no config of faceresearch ({error})') from error
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 100:
        raise UserError(f'{place}: {name!r} is no name of a model')
    if not isinstance(content, dict) or not isinstance(content.get('model'), dict):
        raise UserError(f'{place}: has no model')
    if unknown := sorted(set(content) - set(_KEYS)):
        raise UserError(f'{place}: has {", ".join(unknown)}; only {", ".join(_KEYS)} are used')
    check_foreign_config(content, place)
    return name, content


def _no_number(text: str) -> float:
    raise ValueError(f'{text} is no number of JSON')


def _write_weights(cfg: Config, checkpoint: str | Path, path: Path) -> None:
    """Load weights into the config's model, all of them, and write them with its contract."""
    from faceresearch.apis.model import init_model
    from faceresearch.engine.weights import write_weights

    if str(checkpoint).endswith('.onnx') or str(checkpoint) == 'none':
        raise UserError(
            f'{checkpoint}: the hub gets weights: a checkpoint, not {"random ones" if checkpoint == "none" else "ONNX"}'
        )
    model = init_model(cfg, checkpoint)
    write_weights(path, model.state_dict(), cfg, {}, 0, 0)


def _figures(path: str | Path | None) -> dict[str, float]:
    if path is None:
        return {}
    try:
        figures = json.loads(Path(path).read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise UserError(f'{path}: is no file of tools/test.py --out ({error})') from error
    if not isinstance(figures, dict) or not all(isinstance(value, int | float) for value in figures.values()):
        raise UserError(f'{path}: is no flat JSON object of figures, as tools/test.py --out writes it')
    return figures


def _portable(value: Any) -> Any:
    """Return plain data without what would load something else and without this machine's paths."""
    if isinstance(value, Mapping):
        return {
            str(key): _portable(item)
            for key, item in value.items()
            if key not in _FORBIDDEN and not (isinstance(item, str) and _is_private(item))
        }
    return [_portable(item) for item in value] if isinstance(value, list | tuple) else value


def _is_private(text: str) -> bool:
    """Whether a text is a path that begins at a root or a home, or climbs."""
    parts = re.split(r'[\\/]', text)
    drive = parts[0].endswith(':') and '//' not in text
    return '..' in parts or parts[0] == '~' or (len(parts) > 1 and (drive or not parts[0]))


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key and value of nested dicts and lists; an item of a list has its number for a key."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key), item
            yield from _walk(item)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield str(number), item
            yield from _walk(item)
