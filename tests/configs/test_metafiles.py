"""What a family's metafile says of its models is so: a row for each config, and the parameters the network has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from faceresearch.compat.scope import set_scope
from faceresearch.config import load_config
from faceresearch.models.recognizers import without_head
from faceresearch.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
FAMILIES = sorted(path.parent.name for path in CONFIGS.glob('*/metafile.yml'))


def rows(family: str) -> dict[str, Any]:
    content = yaml.safe_load((CONFIGS / family / 'metafile.yml').read_text(encoding='utf-8'))
    return {row['Name']: row for row in content['Models']}


def test_every_family_has_a_metafile() -> None:
    families = {path.name for path in CONFIGS.iterdir() if path.is_dir()} - {'_base_', 'benchmarks'}
    assert families == set(FAMILIES)


@pytest.mark.parametrize('family', FAMILIES)
def test_every_config_has_its_row(family: str) -> None:
    stated = rows(family)
    configs = {path.stem: path.read_text(encoding='utf-8') for path in (CONFIGS / family).glob('*.py')}
    assert set(stated) <= set(configs)
    for name in set(configs) - set(stated):
        # Other data or another way to test: the network is that of the config it inherits from.
        assert re.search(r"^_base_ = '\./\w+\.py'$", configs[name], re.M), name
    for name, row in stated.items():
        assert row['Config'] == f'configs/{family}/{name}.py'
        assert row['Evidence']['Level'] in range(5) and row['Evidence']['Basis'], name


@pytest.mark.parametrize('family', FAMILIES)
def test_parameters_are_those_of_the_network(family: str) -> None:
    wrong = {}
    for name, row in rows(family).items():
        cfg = load_config(CONFIGS / family / f'{name}.py')
        set_scope(cfg)
        with torch.device('meta'):
            model = MODELS.build(without_head(cfg.model))
        stated = row['Metadata'].get('Parameters')
        found = sum(p.numel() for p in model.parameters())
        if found != stated:
            wrong[name] = (found, stated)
    assert not wrong
