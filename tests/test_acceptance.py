"""The acceptance scripts, in their reduced forms."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / 'benchmarks/acceptance'


def run(script: str, folder: Path, *arguments: str, **variables: str) -> None:
    command = [sys.executable, str(SCRIPTS / f'{script}.py'), '--reduced', '--work-dir', str(folder), *arguments]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize(
    'script', ['widerface_published', 'parsing_training', 'landmark68_training', 'cfp_training', 'cfp_published']
)
def test_script(script: str, shared_dir: Path, tmp_path: Path) -> None:
    run(script, tmp_path, FACERESEARCH_TEST_DATA=str(shared_dir))


@pytest.mark.slow
def test_find_in_a_gallery(shared_dir: Path, tmp_path: Path) -> None:
    run('face_find', tmp_path, FACERESEARCH_TEST_DATA=str(shared_dir))


@pytest.mark.slow
@pytest.mark.parametrize('config', ['adaface_r10_synthfaces', 'arcface_r10_pfc_synthfaces'])
def test_recognition_on_synthfaces(tmp_path: Path, config: str) -> None:
    run('recognition_synthfaces', tmp_path, '--only', config)


@pytest.mark.slow
def test_recognition_networks_are_exported(tmp_path: Path) -> None:
    run('recognition_export', tmp_path)


@pytest.mark.slow
def test_landmark_and_parsing_networks_are_exported(tmp_path: Path) -> None:
    run('dense_export', tmp_path)


@pytest.mark.slow
def test_detectors_from_image_to_detections(shared_dir: Path, tmp_path: Path) -> None:
    run('end2end_export', tmp_path, FACERESEARCH_TEST_DATA=str(shared_dir))


@pytest.mark.slow
def test_landmarks_on_synthfaces(tmp_path: Path) -> None:
    run('hrnet_anime28', tmp_path)


@pytest.mark.slow
def test_gaze_on_synthfaces(tmp_path: Path) -> None:
    run('gaze_synthfaces', tmp_path)


@pytest.mark.slow
def test_attribute_networks_are_exported(tmp_path: Path) -> None:
    run('attributes_export', tmp_path)


@pytest.mark.slow
def test_emotions_of_real_faces(tmp_path: Path, shared_dir: Path) -> None:
    run('attributes_training', tmp_path, '--only', 'ckplus', FACERESEARCH_TEST_DATA=str(shared_dir))


@pytest.mark.slow
def test_face_analyzer_tells_people_apart(shared_dir: Path, tmp_path: Path) -> None:
    run('face_analyzer', tmp_path, '--only', 'people', FACERESEARCH_TEST_DATA=str(shared_dir))
