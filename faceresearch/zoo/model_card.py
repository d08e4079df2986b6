"""The card of a model on the hub: what it is, what it takes, what it may be used for, how it is used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml


def card_text(name: str, repo: str, licence: str, contract: Mapping[str, Any], figures: Mapping[str, float]) -> str:
    """Return the card as Markdown with the hub's front matter.

    Args:
        name: of the model's config.
        repo: ``owner/name`` on the hub.
        licence: of the weights, as the hub writes it.
        contract: from :func:`faceresearch.config.contract.input_contract`.
        figures: metrics of ``tools/test.py --out``.
    """
    front = {'library_name': 'faceresearch', 'license': licence, 'tags': ['faceresearch', 'face']}
    lines = ['---', yaml.safe_dump(front, sort_keys=False).strip(), '---', '', f'# {name}', '']
    intended = contract.get('intended_use')
    lines += [f'Intended use: {_cell(intended)}.', ''] if intended else []
    lines += ['## Input', '', '| | |', '| --- | --- |']
    lines += [
        f'| {_cell(key)} | {_cell(value)} |'
        for key, value in contract.items()
        if key not in ('licences', 'intended_use')
    ]
    licences = contract.get('licences') or {}
    lines += ['', '## Licences', '', f'Weights: {licence}.']
    lines += [f'{key.capitalize()}: {_cell(value)}.' for key, value in licences.items() if value and key != 'weights']
    if figures:
        lines += ['', '## Figures', '', '| metric | value |', '| --- | --- |']
        lines += [f'| {_cell(key)} | {value:.6g} |' for key, value in figures.items()]
    lines += [
        *('', '## Use', '', '```', f'python tools/hub.py pull {repo}'),
        *(f'python tools/infer.py checkpoints/{name}.py checkpoints/{name}.safetensors IMAGE', '```', ''),
    ]
    return '\n'.join(lines)


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace('|', '\\|').replace('\n', ' ')
