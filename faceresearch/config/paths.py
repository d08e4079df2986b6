"""Find a config by path or by name, in the checkout or in the installed package."""

from __future__ import annotations

from pathlib import Path

from faceresearch.cli import packaged_folder
from faceresearch.errors import UserError, did_you_mean

SUFFIXES = ('.py', '.yml', '.yaml', '.json')


def configs_folder() -> Path:
    """Return the folder of our configs: ``faceresearch/.configs`` of an installed package, else the checkout's."""
    return packaged_folder('configs')


def config_names() -> dict[str, Path]:
    """Return all complete configs by name (file stem), without the fragments in ``_base_``."""
    found: dict[str, Path] = {}
    for path in sorted(configs_folder().rglob('*.py')):
        if '_base_' not in path.parts:
            found.setdefault(path.stem, path)
    return found


def find_config(path_or_name: str | Path) -> Path:
    """Return the file meant by a path, a path inside ``configs/``, a bare name, or ``faceresearch::<path>``.

    A file that exists as given wins over a name.

    Args:
        path_or_name: ``my/config.py``, ``retinaface/retinaface_mnet025_widerface.py`` (with or without a leading
            ``configs/``), or ``retinaface_mnet025_widerface``.

    Returns:
        An absolute path.

    Raises:
        UserError: there is none; the message names the nearest configs.
    """
    text = str(path_or_name)
    given = Path(text.removeprefix('faceresearch::')).expanduser()
    if '::' not in text and given.is_file():
        if given.suffix not in SUFFIXES:
            raise UserError(f'{given} is no config: expected a name ending in .py, .yml, .yaml or .json')
        return given.resolve()
    if given.is_dir() and not given.suffix and given.name not in config_names():
        raise UserError(f'{given} is a folder; name one config file in it')
    packaged = _in_configs_folder(given)
    if packaged:
        return packaged
    names = config_names()
    if given.stem in names and (len(given.parts) == 1 or '::' in text):
        return names[given.stem]
    raise UserError(
        f'no config {text!r}: neither a file nor a name in {configs_folder()}.{did_you_mean(given.stem, names)}'
    )


def _in_configs_folder(given: Path) -> Path | None:
    if given.is_absolute() or len(given.parts) < 2:
        return None
    parts = given.parts[1:] if given.parts[0] == 'configs' else given.parts
    for suffix in ('', '.py'):
        path = configs_folder().joinpath(*parts[:-1], parts[-1] + suffix)
        if path.is_file():
            return path.resolve()
    return None


def shown(path: str | Path) -> str:
    """Return a path as messages show it: relative to the current folder where that is shorter."""
    path = Path(path)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
