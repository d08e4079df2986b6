"""mmpose's data sets find what they know of their points in mmpose, not in a file of the current folder.

mmpose 1.3.2 names it as ``configs/_base_/datasets/lapa.py`` and looks for that below the current folder first
(mmpose/datasets/datasets/utils.py; no upstream issue): in a checkout of this project that is a config of ours. May go when
mmpose looks in its own package first.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any


def patch(module: Any) -> None:
    """Let ``parse_pose_metainfo`` of mmpose.datasets.datasets.utils prefer the file in the package."""
    original = module.parse_pose_metainfo
    package = Path(str(module.__file__)).parents[2] / '.mim'

    @functools.wraps(original)
    def parse_pose_metainfo(metainfo: dict[str, Any]) -> dict[str, Any]:
        named = metainfo.get('from_file')
        if isinstance(named, str) and (package / named).is_file():
            metainfo = {**metainfo, 'from_file': str(package / named)}
        return original(metainfo)

    module.parse_pose_metainfo = parse_pose_metainfo
