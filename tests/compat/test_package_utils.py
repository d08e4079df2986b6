"""mmengine's look-up of installed packages where setuptools has no pkg_resources."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import mmengine
import pytest

from faceresearch.compat import package_utils


def test_path_of_a_package_by_the_name_of_its_module_or_distribution() -> None:
    folder = Path(mmengine.__file__).parent
    assert package_utils.get_installed_path('mmengine') == str(folder)
    assert package_utils.get_installed_path('mmcv-lite') == str(folder.parent / 'mmcv')
    assert package_utils.get_installed_path('mmcv') == str(folder.parent / 'mmcv')


def test_a_package_that_is_not_there() -> None:
    assert package_utils.is_installed('mmengine')
    assert package_utils.is_installed('mmcv-lite')
    assert not package_utils.is_installed('no_such_package_at_all')
    with pytest.raises(metadata.PackageNotFoundError):
        package_utils.get_installed_path('no_such_package_at_all')


def test_mmengine_finds_configs_in_other_packages() -> None:
    """``_base_ = 'mmdet::…'`` asks where mmdet is installed."""
    package_utils.patch()
    config = mmengine.Config.fromfile(mmengine.Config._get_cfg_path('mmdet::_base_/schedules/schedule_1x.py', '')[0])
    assert config.train_cfg.max_epochs == 12


def test_mmengines_own_functions_stay_where_they_work(monkeypatch: pytest.MonkeyPatch) -> None:
    own = object()
    monkeypatch.setattr('mmengine.utils.get_installed_path', own)
    monkeypatch.setitem(sys.modules, 'pkg_resources', sys)  # present and importable
    package_utils.patch()
    assert mmengine.utils.get_installed_path is own
