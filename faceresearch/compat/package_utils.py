"""Where a package is installed, asked of ``importlib.metadata`` instead of ``pkg_resources``.

mmengine 0.10.7 imports ``pkg_resources`` inside these functions; setuptools 82 no longer has it, and an environment
made by uv has no setuptools at all. Without this, ``import mmpose.apis`` and a config whose base is ``mmdet::…`` fail.

Upstream: open-mmlab/mmengine#1676, merged after 0.10.7. May go with the first release that contains it.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib import metadata
from pathlib import Path

#: Modules that hold these functions under their own name.
_HOLDERS = ('mmengine.utils.package_utils', 'mmengine.utils', 'mmengine.config.config', 'mmengine.hub.hub')


def is_installed(package: str) -> bool:
    """Whether a distribution or an importable module has this name."""
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        spec = importlib.util.find_spec(package)
        return spec is not None and spec.origin is not None
    return True


def package2module(package: str) -> str:
    """Return the import name of a distribution: ``mmcv`` for ``mmcv-lite``.

    Raises:
        importlib.metadata.PackageNotFoundError: there is no such distribution.
        ValueError: the distribution does not say.
    """
    listed = (metadata.distribution(package).read_text('top_level.txt') or '').split()
    if not listed:
        raise ValueError(f'can not infer the module name of {package}')
    return listed[0]


def get_installed_path(package: str) -> str:
    """Return the folder of a package, given the name of its distribution or of its module.

    Raises:
        importlib.metadata.PackageNotFoundError: neither a distribution nor a module has this name.
        RuntimeError: the package is a namespace package, which has no folder of its own.
    """
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None:
        spec = importlib.util.find_spec(package2module(package))
    if spec is None or spec.origin is None:
        raise RuntimeError(f'{package} is a namespace package, which is invalid for `get_install_path`')
    return str(Path(spec.origin).parent)


def patch() -> None:
    """Put the functions of this module where mmengine has its own, if mmengine's would fail."""
    if importlib.util.find_spec('pkg_resources') is not None:
        return
    import mmengine.utils.package_utils  # noqa: F401

    for holder in _HOLDERS:
        for function in (is_installed, package2module, get_installed_path):
            if hasattr(sys.modules.get(holder), function.__name__):
                setattr(sys.modules[holder], function.__name__, function)
