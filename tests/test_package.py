"""The package as a user installs it: quick to import, one OpenCV, pins that fit, a wheel that carries its configs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
TOOLS = sorted(path.stem for path in (ROOT / 'tools').glob('[a-z]*.py'))


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


# --- speed -----------------------------------------------------------------------------------------------------------


def test_importing_the_package_adds_little_to_torch():
    code = 'import time, torch; t = time.perf_counter(); import faceresearch; print(time.perf_counter() - t)'
    # The best of three: another program may have had the processor.
    assert any(float(run(sys.executable, '-c', code).stdout) < 0.3 for _ in range(3))


def test_importing_the_package_imports_nothing_heavy():
    code = 'import sys, faceresearch; print(*{name.split(".")[0] for name in sys.modules})'
    loaded = set(run(sys.executable, '-c', code).stdout.split())
    assert loaded & {'torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmpose', 'numpy', 'cv2', 'timm'} == set()
    assert 'faceresearch' in loaded


@pytest.mark.parametrize('tool', TOOLS)
def test_help_answers_within_a_second_and_shows_an_example(tool: str):
    def ask() -> tuple[float, subprocess.CompletedProcess[str]]:
        begin = time.perf_counter()
        answer = run(sys.executable, f'tools/{tool}.py', '--help')
        return time.perf_counter() - begin, answer

    seconds, answer = ask()
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith('usage:')
    example = answer.stdout.partition('example')[2]
    assert f'{tool}.py' in example or f'faceresearch {tool}' in example
    # The first answer may have had to compile, or to wait for another program.
    assert seconds < 1 or min(ask()[0] for _ in range(3)) < 1


def test_an_unknown_option_is_one_line_and_status_2():
    answer = run(sys.executable, 'tools/print_config.py', 'x.py', '--no-such-option')
    assert answer.returncode == 2
    assert answer.stderr.count('\n') == 1
    assert '--no-such-option' in answer.stderr


# --- the environment -------------------------------------------------------------------------------------------------


def test_one_opencv_is_installed():
    providers = set(packages_distributions()['cv2'])
    assert len(providers) == 1, f'several packages write the same cv2 folder: {sorted(providers)}'


def test_what_the_openmmlab_packages_cannot_have_is_absent():
    installed = {name.lower() for names in packages_distributions().values() for name in names}
    assert installed & {'chumpy', 'xtcocotools', 'albumentations', 'scikit-image', 'imgaug'} == set()


def read_pins(*names: str) -> dict[str, list[Requirement]]:
    pins: dict[str, list[Requirement]] = {}
    for name in names:
        for line in (ROOT / 'requirements' / f'{name}.txt').read_text(encoding='utf-8').splitlines():
            if line and not line.startswith(('#', '-')):
                requirement = Requirement(line)
                pins.setdefault(requirement.name, []).append(requirement)
    return pins


def test_every_requirement_is_pinned_to_a_version_it_allows():
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text(encoding='utf-8'))['project']
    extras = project['optional-dependencies']
    wanted = [(line, ('base', 'openmmlab')) for line in project['dependencies']]
    wanted += [(line, ('base', 'extras')) for extra in ('onnx', 'train', 'convert') for line in extras[extra]]
    wanted += [(line, ('base', 'extras', 'dev')) for line in extras['dev']]
    wanted += [(line, ('base', 'demo')) for line in extras['demo']]
    assert len(wanted) > 15
    for line, files in wanted:
        requirement = Requirement(line)
        pins = read_pins(*files).get(requirement.name)
        assert pins, f'{requirement.name} is not pinned in requirements/{{{",".join(files)}}}.txt'
        for pin in pins:
            (exact,) = pin.specifier
            assert exact.operator == '=='
            assert exact.version in requirement.specifier, f'{pin} does not satisfy {line}'


def test_the_two_install_paths_agree_on_what_is_installed_without_dependencies():
    uv = tomllib.loads((ROOT / 'pyproject.toml').read_text(encoding='utf-8'))['tool']['uv']
    corrected = {item['name']: item for item in uv['dependency-metadata']}
    pins = read_pins('openmmlab', 'demo')
    everything = read_pins('base', 'openmmlab', 'demo')
    assert set(corrected) <= set(pins)
    for name, item in corrected.items():
        assert [str(spec) for spec in pins[name][0].specifier] == [f'=={item["version"]}']
        # Without their own dependencies, pip installs what uv would: all of it must be pinned.
        assert {Requirement(line).name for line in item['requires-dist']} <= set(everything)


def test_what_the_openmmlab_packages_need_is_pinned_or_dropped_on_purpose():
    from importlib.metadata import requires

    dropped = {'opencv-python', 'chumpy', 'xtcocotools', 'regex'}  # GUI OpenCV; unbuildable; numpy 1; Windows only
    pins = read_pins('base', 'openmmlab')
    for package in read_pins('openmmlab'):
        needs = {Requirement(line) for line in requires(package) or [] if 'extra ==' not in line}
        assert {need.name.lower() for need in needs} - set(pins) <= dropped, package


def test_the_pins_name_no_address():
    for path in (ROOT / 'requirements').glob('*.txt'):
        text = path.read_text(encoding='utf-8')
        assert not re.search(r'://|@ |--(extra-)?index|-f ', text), path.name


# --- the wheel -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('wheel')
    answer = run(sys.executable, '-m', 'hatchling', 'build', '-t', 'wheel', '-d', folder)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (path,) = folder.glob('*.whl')
    return path


@pytest.fixture(scope='module')
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with what an installer unpacks (an environment made by uv has no pip)."""
    folder = tmp_path_factory.mktemp('site')
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_carries_configs_tools_and_the_model_index(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ('configs', 'tools'):
        ours = [path for path in (ROOT / folder).rglob('*.py') if '__pycache__' not in path.parts]
        assert ours
        missing = {f'faceresearch/.{folder}/{path.relative_to(ROOT / folder).as_posix()}' for path in ours} - names
        assert missing == set()
    assert {'faceresearch/.configs/model-index.yml', 'faceresearch/py.typed'} <= names
    assert any(name.endswith('licenses/LICENSE') for name in names)
    # Nothing lands in site-packages beside the package itself.
    assert {name.split('/')[0].split('-')[0] for name in names} == {'faceresearch'}


def test_an_installed_wheel_finds_its_configs_by_name(installed: Path, tmp_path: Path):
    code = (
        'import faceresearch, pathlib\n'
        'from faceresearch.config import load_config\n'
        "cfg = load_config('retinaface_mnet025_widerface', ['batch_size=3'])\n"
        'print(pathlib.Path(faceresearch.__file__).parent, cfg.train_dataloader.batch_size)'
    )
    answer = run(sys.executable, '-c', code, cwd=tmp_path, PYTHONPATH=str(installed))
    assert answer.stdout.split() == [str(installed / 'faceresearch'), '3'], answer.stderr


def test_the_faceresearch_command_of_an_installed_wheel_runs_the_tools(installed: Path, tmp_path: Path):
    code = (
        'import sys; from importlib.metadata import entry_points; '
        "entry_points(group='console_scripts')['faceresearch'].load()()"
    )

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run(sys.executable, '-c', code, *arguments, cwd=tmp_path, PYTHONPATH=str(installed))

    listing = command('--help')
    missing = [tool for tool in TOOLS if not re.search(rf'^  {tool} ', listing.stdout, re.MULTILINE)]
    assert missing == [], listing.stdout + listing.stderr
    answer = command('print_config', 'retinaface_mnet025_widerface', '--why', 'model.backbone.width')
    assert answer.returncode == 0, answer.stderr
    assert '.configs/_base_/models/retinaface_mnet025.py' in answer.stdout
    unknown = command('trian', 'retinaface_mnet025_widerface')
    assert unknown.returncode == 2
    assert unknown.stderr.count('\n') == 1
