"""Stand-ins for compiled modules that are absent or broken, decided at the moment they are imported.

``install_finder()`` puts one finder at the front of ``sys.meta_path``. It answers for the names in :data:`STAND_INS`
only, asks the other finders first, and gives way to what they find: a compiled mmcv or a working xtcocotools is used as
it is. Only when nothing is found, or what is found fails to load (built against numpy 1, or against another torch),
does the stand-in take its place. Modules in :data:`PATCHES` are mended as they are loaded. Nothing heavy is imported
here, so installing costs nothing until mmdet or mmpose is used.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import NamedTuple


class StandIn(NamedTuple):
    """What replaces a module.

    Attributes:
        source: the module whose public names the stand-in carries; empty for a bare package.
        probe: a submodule that must import for the real one to count as working.
        is_package: whether the replaced module holds submodules.
    """

    source: str
    probe: str = ''
    is_package: bool = False


STAND_INS = {
    'mmcv._ext': StandIn('faceresearch.compat.mmcv_ext'),
    'xtcocotools': StandIn('', probe='xtcocotools._mask', is_package=True),
    'xtcocotools.coco': StandIn('faceresearch.compat.xtcoco'),
    'xtcocotools.cocoeval': StandIn('faceresearch.compat.xtcoco'),
    'xtcocotools.mask': StandIn('pycocotools.mask'),
}

#: Module → module of ours whose ``patch`` mends it right after it is loaded.
PATCHES = {
    'mmpose.datasets.datasets.utils': 'faceresearch.compat.mmpose_metainfo',
    'mmpose.visualization.opencv_backend_visualizer': 'faceresearch.compat.mmpose_circles',
}


class _Loader(Loader):
    """Load the real module if there is one and it works, the stand-in otherwise."""

    def __init__(self, name: str, stand_in: StandIn, real: Loader | None) -> None:
        self.name = name
        self.stand_in = stand_in
        self.real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        if self.real is None:
            return None
        try:
            return self.real.create_module(spec)
        except Exception as error:  # whatever an extension raises while it is linked
            self._give_up(error)
            return None

    def exec_module(self, module: ModuleType) -> None:
        if self.real is not None:
            try:
                self.real.exec_module(module)
                if self.stand_in.probe:
                    importlib.import_module(self.stand_in.probe)
                return
            except Exception as error:
                self._give_up(error)
        if self.stand_in.is_package:
            module.__path__ = []
        if self.stand_in.source:
            source = vars(importlib.import_module(self.stand_in.source))
            kept = {key: value for key, value in source.items() if not key.startswith('_') or key == '__getattr__'}
            vars(module).update(kept)

    def _give_up(self, error: Exception) -> None:
        self.real = None
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        warnings.warn(
            f'the installed {self.name} does not load ({reason}); faceresearch stands in for it', stacklevel=2
        )


class _PatchingLoader(Loader):
    """Load a module and mend it."""

    def __init__(self, real: Loader, source: str) -> None:
        self.real = real
        self.source = source

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.real.exec_module(module)
        importlib.import_module(self.source).patch(module)


class StandInFinder(MetaPathFinder):
    """Answer for the names in :data:`STAND_INS`, giving way to a real module that works, and in :data:`PATCHES`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        stand_in, patch = STAND_INS.get(fullname), PATCHES.get(fullname)
        if stand_in is None and patch is None:
            return None
        spec = self._real_spec(fullname, path, target)
        if stand_in is None:
            if spec is not None and spec.loader is not None and patch is not None:
                spec.loader = _PatchingLoader(spec.loader, patch)
            return spec
        if spec is None:
            return ModuleSpec(fullname, _Loader(fullname, stand_in, None), is_package=stand_in.is_package)
        spec.loader = _Loader(fullname, stand_in, spec.loader)
        return spec

    def _real_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(fullname, path, target)
            # A folder without __init__ is no package that could work.
            if spec is not None and spec.loader is not None:
                return spec
        return None


_FINDER = StandInFinder()


def install_finder() -> None:
    """Put the finder at the front of ``sys.meta_path``, once."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
