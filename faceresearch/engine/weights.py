"""Weights in and out of a training."""

from __future__ import annotations

import json
import math
import subprocess
from logging import Logger
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from torch import Tensor, nn

from faceresearch import __version__
from faceresearch.config import configs_folder, format_config
from faceresearch.config.contract import input_contract
from faceresearch.errors import UserError, did_you_mean
from faceresearch.zoo.checkpoint import load_weights, save_weights
from faceresearch.zoo.index import read_index


def write_weights(
    path: Path, state_dict: dict[str, Tensor], cfg: Config, metrics: dict[str, Any], epoch: int, iteration: int
) -> None:
    """Write weights as safetensors with what is needed to use and to judge them.

    Args:
        path: the file.
        state_dict: the weights.
        cfg: config they were trained with.
        metrics: figures, kept where they are numbers.
        epoch: epochs done.
        iteration: iterations done.
    """
    # The folders of this machine are nobody's business.
    config = Config(
        {key: value for key, value in cfg.to_dict().items() if key not in ('work_dir', 'load_from', 'resume')}
    )
    metadata = {
        'config': format_config(config),
        'metrics': json.dumps(flat_metrics(metrics)),
        'epoch': str(epoch),
        'iteration': str(iteration),
        'faceresearch_version': __version__,
        **_contract(cfg),
        **({'commit': commit} if (commit := checkout_commit()) else {}),
    }
    save_weights(path, state_dict, metadata)


def flat_metrics(metrics: dict[str, Any]) -> dict[str, float]:
    """Return the figures among an evaluation's results, as plain numbers."""
    numbers = {}
    for key, value in metrics.items():
        if isinstance(value, Tensor | np.ndarray | np.generic) and math.prod(value.shape) == 1:
            value = value.item()
        if isinstance(value, int | float):
            numbers[key] = value
    return numbers


def load_initial_weights(model: nn.Module, source: str, logger: Logger) -> None:
    """Load weights to start a training from (``load_from``).

    Tensors that the model lacks, or has in another shape (another number of classes), are left out, with a warning.

    Args:
        model: the network.
        source: path of a checkpoint, or its name in the zoo.
        logger: is told what was loaded.

    Raises:
        UserError: there is no such checkpoint, or nothing in it fits the model.
    """
    report = load_weights(model, find_checkpoint(source), strict=False)
    log = logger.info if report.complete else logger.warning
    log(f'Training starts from the weights in {source}: {report}')


def load_test_weights(model: nn.Module, checkpoint: str) -> None:
    """Load weights to test with; every tensor must fit.

    Args:
        model: the network.
        checkpoint: a path, a name in the zoo, or ``none`` for the random weights the model was built with. An
            ``.onnx`` file takes the place of the network. A model of several networks (``members``) also takes one
            checkpoint for each of them, joined by ``+``.

    Raises:
        UserError: there is no such checkpoint, or it is of another model.
    """
    if checkpoint == 'none':
        # Not init_weights(): it would fetch the ImageNet weights that a config starts its training from.
        return
    members = getattr(model, 'members', None)
    if members is not None and '+' in checkpoint:
        names = checkpoint.split('+')
        if len(names) != len(members):
            raise UserError(f'{checkpoint}: names {len(names)} checkpoints for {len(members)} networks')
        for member, name in zip(members, names):
            load_weights(member, find_checkpoint(name), strict=True)
        return
    path = find_checkpoint(checkpoint)
    if path.suffix.lower() == '.onnx':
        from faceresearch.models.onnx_network import use_onnx

        use_onnx(model, path)
        return
    load_weights(model, path, strict=True)


def find_checkpoint(name: str) -> Path:
    """Return the file of a checkpoint: a path, or ``checkpoints/<name>.safetensors`` for the name of a model in the zoo.

    Raises:
        UserError: it is a name, and there is no such file.
    """
    path = Path(name).expanduser()
    if path.exists() or path.suffix or path.parent != Path():
        return path
    for folder in (Path('checkpoints'), configs_folder().parent / 'checkpoints'):
        if (folder / f'{name}.safetensors').is_file():
            return folder / f'{name}.safetensors'
    index = {model.name: model.weights for model in read_index().values() if model.weights}
    weights = index.get(name)
    if weights is None:
        raise UserError(
            f"no checkpoint {name!r}: give a path, 'none' for random weights, or the name of a model in the zoo that has"
            f' weights.{did_you_mean(name, index)}'
        )
    if weights.url:
        raise UserError(
            f'checkpoints/{name}.safetensors is not there: tools/download.py {name} fetches and converts it'
        )
    raise UserError(
        f'checkpoints/{name}.safetensors is not there: fetch {weights.origin} and convert it with'
        f' tools/convert_checkpoint.py FILE {name} -o checkpoints/{name}.safetensors'
    )


def _contract(cfg: Config) -> dict[str, str]:
    return {'input_contract': json.dumps(input_contract(cfg))}


def checkout_commit() -> str | None:
    """Return the commit of the checkout that is being run, with ``-dirty`` where files differ from it, or None."""
    root = Path(__file__).resolve().parents[2]
    if not (root / '.git').exists():
        return None
    try:
        command = ['git', '-C', str(root), 'describe', '--always', '--dirty', '--abbrev=40', '--exclude=*']
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
