"""The conversion tool: one line on what was converted, skipped and lost; errors that can be mended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceresearch.apis.convert_dataset import convert_dataset
from faceresearch.errors import UserError

OFFICIAL = """e/a.jpg
2
10 20 30 40 1 0 0 0 2 0
50 20 10 10 0 0 0 1 0 0
e/gone.jpg
1
1 1 5 5 0 0 0 0 0 0
e/none.jpg
0
0 0 0 0 0 0 0 0 0 0
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in ('a', 'none'):
        (tmp_path / 'images' / 'e').mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / 'images' / 'e' / f'{name}.jpg'), np.zeros((80, 100, 3), np.uint8))
    (tmp_path / 'gt.txt').write_text(OFFICIAL)
    return tmp_path / 'gt.txt'


def test_says_what_was_skipped_and_lost(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    convert_dataset(source, tmp_path / 'labels', 'yolo_face', images=tmp_path / 'images')
    assert (tmp_path / 'labels/e/a.txt').read_text() == '0 0.25 0.5 0.3 0.5' + ' -1' * 10 + '\n'
    assert (tmp_path / 'labels/e/none.txt').read_text() == ''
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith('2 images, 1 faces, 0 of them with landmarks (official to yolo_face)')
    assert lines[1].endswith('skipped 1 × image cannot be read. First: gt.txt:5: image cannot be read (e/gone.jpg)')
    assert lines[2] == (
        "lost, because yolo_face cannot hold them: 1 regions to ignore (left out), 1 faces' WIDER attributes"
    )


def test_as_a_tool(source: Path, tmp_path: Path, repo_root: Path) -> None:
    command = [sys.executable, str(repo_root / 'tools/convert_dataset.py')]
    out = tmp_path / 'out.json'
    arguments = [str(source), '-o', str(out), '--to', 'coco', '--images', str(tmp_path / 'images')]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    content = json.loads(out.read_text())
    assert [image['file_name'] for image in content['images']] == ['e/a.jpg', 'e/none.jpg']
    assert [(row['bbox'], row['iscrowd']) for row in content['annotations']] == [
        ([10, 20, 30, 40], 0),
        ([50, 20, 10, 10], 1),
    ]
    done = subprocess.run([*command, str(source), '-o', str(out), '--to', 'scrfd'], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith('error: ') and '--images' in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_refuses_to_write_over_its_source_and_unknown_forms(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='is the source itself'):
        convert_dataset(source, source, 'retinaface')
    with pytest.raises(UserError, match='--to mat: cannot be written'):
        convert_dataset(source, tmp_path / 'x', 'mat')
    with pytest.raises(UserError, match='no such file'):
        convert_dataset(tmp_path / 'absent', tmp_path / 'x', 'coco')
    with pytest.raises(UserError, match='none of 3 images can be read'):
        convert_dataset(source, tmp_path / 'x', 'coco', images=tmp_path / 'elsewhere')
    assert source.read_text() == OFFICIAL
