"""Reading, joining and drawing training logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from faceresearch.apis.logs import analyze, choose_keys, read_log, summarise
from faceresearch.errors import UserError


def write(work_dir: Path, name: str, lines: list[dict[str, Any]], tail: str = '') -> None:
    path = work_dir / name / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines) + tail)


def step(number: int, loss: float) -> dict[str, Any]:
    return {'lr': 0.1, 'loss': loss, 'time': number / 10, 'data_time': 0.01, 'epoch': 1, 'iter': number, 'step': number}


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    folder = tmp_path / 'run'
    # Killed while it wrote; resumed from the second iteration.
    first = [step(1, 9.0), step(2, 8.0), step(3, 100.0), {'widerface/easy_ap': 0.25, 'time': 5.0, 'step': 1}]
    write(folder, '20260101_000000', first, '{"lr": 0.1, "lo')
    second = [step(3, 7.0), step(4, 7.5), {'widerface/easy_ap': 0.5, 'widerface/images': 4, 'time': 5.0, 'step': 2}]
    write(folder, '20260101_000001', second)
    return folder


def test_interrupted_run_is_joined(work_dir: Path) -> None:
    log = read_log(work_dir)
    assert log.series['loss'] == {1: 9.0, 2: 8.0, 3: 7.0, 4: 7.5}
    assert log.series['widerface/easy_ap'] == {1: 0.25, 2: 0.5}
    assert log.unreadable == 1
    assert log.seconds_per_iteration() == 0.25
    assert choose_keys([log]) == ['loss', 'lr', 'widerface/easy_ap']
    row = summarise([log], ['loss'])[0]
    assert (row['min'], row['min_at'], row['max'], row['max_at'], row['last'], row['last_at']) == (
        7.0,
        3,
        9.0,
        1,
        7.5,
        4,
    )


def test_new_run_in_the_same_folder_replaces_the_old(work_dir: Path) -> None:
    write(work_dir, '20260102_000000', [step(1, 5.0)])
    assert read_log(work_dir).series['loss'] == {1: 5.0}


def test_curves(work_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    analyze([work_dir, work_dir], out=tmp_path / 'curves.png')
    image = cv2.imread(str(tmp_path / 'curves.png'))
    assert image.shape[1] > 1000
    printed = capsys.readouterr().out
    assert 'widerface/easy_ap' in printed
    assert '0.2500 s per iteration' in printed
    assert '1 lines could not be read' in printed


def test_mistakes(work_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='no training log there'):
        read_log(tmp_path / 'nowhere')
    with pytest.raises(UserError, match=r"no log has 'los'. Did you mean 'loss'\?"):
        choose_keys([read_log(work_dir)], ['los'])
