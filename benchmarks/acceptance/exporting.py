"""Export a config with weights that let outputs depend on the image, as a user would; what the export scripts share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from record import ROOT
from torch import nn


def distinct_networks(
    families: Iterable[str], network: Callable[[dict[str, Any]], dict[str, Any]] = dict
) -> dict[str, list[str]]:
    """Return one config of each network and contract, and the others that have the same.

    Args:
        families: folders of configs.
        network: what of a config's ``model`` is exported.
    """
    from faceresearch.config import load_config
    from faceresearch.config.contract import input_contract

    first: dict[str, str] = {}
    networks: dict[str, list[str]] = {}
    for path in sorted(path for family in families for path in (ROOT / 'configs' / family).glob('*.py')):
        cfg = load_config(path)
        contract = {key: value for key, value in input_contract(cfg).items() if key != 'licences'}
        key = json.dumps([network(cfg.model), contract], sort_keys=True, default=str)
        name = first.setdefault(key, path.stem)
        networks.setdefault(name, [])
        if name != path.stem:
            networks[name].append(path.stem)
    return networks


def chosen_networks(
    networks: Collection[str], only: list[str] | None, small: Iterable[str], reduced: bool
) -> list[str]:
    """Return the networks to export: all, those asked for, or a few for a reduced form.

    Raises:
        SystemExit: one asked for is not among them.
    """
    names = list(only or (small if reduced else networks))
    if unknown := [name for name in names if name not in networks]:
        sys.exit(f'error: {", ".join(unknown)}: another config has this network, or there is none of that name')
    return names


def contract_error(name: str, file: Path, needed: Collection[str]) -> str:
    """Say in what the contract in a file differs from the config's, or nothing.

    Args:
        name: of the config.
        file: what was exported.
        needed: what a contract of this kind of model has to say.
    """
    from faceresearch.config import load_config
    from faceresearch.config.contract import input_contract
    from faceresearch.export import read_contract

    wanted, found = json.loads(json.dumps(input_contract(load_config(name)))), read_contract(file)
    if missing := set(needed) - found.keys():
        return f'the file does not say {", ".join(sorted(missing))}'
    wrong = [key for key, value in wanted.items() if found.get(key) != value]
    return f'the file says another {", ".join(wrong)} than the config' if wrong else ''


def export_all(
    names: list[str],
    folder: Path,
    jobs: int,
    size: tuple[int, int] | None,
    look: Callable[[str, Path], str] | None = None,
) -> dict[str, str]:
    """Export configs, some at a time, and return what went wrong, by name; ``tools/export_onnx.py`` compares with torch.

    Args:
        names: of configs.
        folder: for the files, which are deleted again.
        jobs: exports at a time.
        size: (h, w) of the images that batch norms take their statistics of; None: the size that the model takes.
        look: looks at the file of a config and says what is wrong with it, or nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda name: _export(name, folder, size, look), names))
    return {name: message for name, message in zip(names, found) if message}


def _export(name: str, folder: Path, size: tuple[int, int] | None, look: Callable[[str, Path], str] | None) -> str:
    weights, out = folder / f'{name}.safetensors', folder / f'{name}.onnx'
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    for command in (
        [__file__, name, str(weights), *map(str, size or ())],
        ['tools/export_onnx.py', name, str(weights), '-o', str(out)],
    ):
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return (done.stdout + done.stderr)[-2000:]
    message = look(name, out) if look else ''
    print(f'{name}: {message or "equal"}', flush=True)
    for path in folder.glob(f'{name}.*'):
        path.unlink()
    return message


def write_statistics(name: str, out: Path, size: tuple[int, int] | None) -> None:
    """Write random weights with the batch norm statistics of a few images: without, signals die out or explode."""
    from faceresearch.apis import init_model
    from faceresearch.config import load_config
    from faceresearch.config.contract import fixed_size, input_contract
    from faceresearch.export.forms import form_of
    from faceresearch.export.parity import synthetic_images
    from faceresearch.zoo.checkpoint import save_weights

    torch.manual_seed(0)
    cfg = load_config(name)
    model = init_model(cfg, 'none')
    # A recogniser's last norm sees a number per image and channel: of two images both would be one.
    count = 8 if size is None else 2
    # Parsers take any size.
    size = size or fixed_size(input_contract(cfg)) or (256, 256)
    network = form_of(model)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            layer.momentum = None
            layer.train()
    with torch.no_grad():
        channels = getattr(network, 'input_channels', 3)
        network(synthetic_images(count, *size, model.data_preprocessor, channels))
    save_weights(out, model.state_dict(), {'config': name})


if __name__ == '__main__':
    height_and_width = tuple(map(int, sys.argv[3:5]))
    write_statistics(sys.argv[1], Path(sys.argv[2]), height_and_width or None)  # type: ignore[arg-type]
