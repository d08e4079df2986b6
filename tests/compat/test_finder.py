"""Stand-ins appear only where the real module is absent or does not load."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from faceresearch import compat
from faceresearch.compat.finder import StandInFinder
from faceresearch.errors import UserError


def run_python(code: str, repo_root: Path, first_on_path: Path | None = None) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    prepared = f'import sys; sys.path[:0] = {[str(p) for p in (first_on_path, repo_root) if p]!r}\n'
    command = [sys.executable, '-c', prepared + textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_package(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_importing_faceresearch_brings_in_nothing_heavy(repo_root: Path) -> None:
    code = """
        import faceresearch, sys
        print([name for name in ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmpose') if name in sys.modules])
    """
    assert run_python(code, repo_root).strip() == '[]'


def test_the_registries_put_the_stand_ins_in_place_without_mmdet(repo_root: Path) -> None:
    code = """
        import sys
        import faceresearch.registry
        print([name for name in ('mmcv', 'mmdet', 'mmpose') if name in sys.modules])
        print(type(sys.meta_path[0]).__name__)
    """
    assert run_python(code, repo_root).split('\n')[:2] == ['[]', 'StandInFinder']


def test_installing_twice_changes_nothing() -> None:
    compat.install()
    before = list(sys.meta_path)
    compat.install()
    assert sys.meta_path == before
    assert sum(isinstance(finder, StandInFinder) for finder in before) == 1


def test_a_compiled_mmcv_is_used_when_present(tmp_path: Path, repo_root: Path) -> None:
    make_package(tmp_path, {'mmcv/__init__.py': '', 'mmcv/_ext.py': 'nms = "compiled"'})
    code = """
        from faceresearch import compat
        compat.install()
        import mmcv._ext
        print(mmcv._ext.nms, mmcv._ext.__file__, 'torch' in sys.modules)
    """
    printed = run_python(code, repo_root, tmp_path).split()
    assert printed == ['compiled', str(tmp_path / 'mmcv' / '_ext.py'), 'False']


def test_a_broken_compiled_mmcv_gives_way_and_says_so(tmp_path: Path, repo_root: Path) -> None:
    make_package(tmp_path, {'mmcv/__init__.py': '', 'mmcv/_ext.py': 'raise ImportError("undefined symbol: _ZN5torch")'})
    code = """
        import warnings
        from faceresearch import compat
        compat.install()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            import mmcv._ext
        print(mmcv._ext.nms.__module__)
        print([str(w.message) for w in caught if 'mmcv._ext' in str(w.message)])
    """
    module, warned = run_python(code, repo_root, tmp_path).strip().split('\n')
    assert module == 'faceresearch.compat.mmcv_nms'
    assert 'undefined symbol: _ZN5torch' in warned


@pytest.mark.parametrize(
    ('mask', 'used'),
    [
        ('', 'theirs'),
        ('raise ValueError("numpy.dtype size changed, may indicate binary incompatibility")', 'ours'),
        (None, 'ours'),
    ],
    ids=['works', 'built against numpy 1', 'absent'],
)
def test_xtcocotools(mask: str | None, used: str, tmp_path: Path, repo_root: Path) -> None:
    if mask is not None:
        files = {'__init__.py': '', '_mask.py': mask, 'coco.py': 'from . import _mask\nclass COCO: pass', 'mask.py': ''}
        make_package(tmp_path, {f'xtcocotools/{name}': text for name, text in files.items()})
    code = """
        import warnings
        warnings.simplefilter('ignore')
        from faceresearch import compat
        compat.install()
        from xtcocotools.coco import COCO
        import xtcocotools.mask
        print(COCO.__module__, hasattr(xtcocotools.mask, 'frPyObjects'))
    """
    expected = {'theirs': 'xtcocotools.coco False', 'ours': 'faceresearch.compat.xtcoco True'}[used]
    assert run_python(code, repo_root, tmp_path).strip() == expected


def test_an_operator_that_is_not_supplied_is_named_with_the_remedy() -> None:
    import torch
    from mmcv.ops import nms_match

    with pytest.raises(UserError, match=r"'nms_match'.*pip install") as caught:
        nms_match(torch.rand(3, 5), 0.5)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('package', ['mmdet', 'mmpose'])
def test_everything_imports(package: str) -> None:
    for part in ('apis', 'datasets', 'engine', 'evaluation', 'models', 'visualization'):
        importlib.import_module(f'{package}.{part}')


def test_mmpose_draws_points_with_current_numpy() -> None:
    import numpy as np
    from mmpose.visualization.opencv_backend_visualizer import OpencvBackendVisualizer

    canvas = OpencvBackendVisualizer(name='test_mmpose_draws_points', backend='opencv')
    canvas.set_image(np.zeros((20, 20, 3), np.uint8))
    canvas.draw_circles(np.array([10.0, 10.0]), radius=np.array([3]), face_colors=(255, 255, 255), alpha=1.0)
    image = canvas.get_image()
    assert image[10, 10].tolist() == [255, 255, 255]
    assert image[10, 12].any()
    assert not image[10, 16].any()
