"""Every workaround for an old dependency, and nothing else.

======================  =====================================================  =========================================
module                  what it mends                                          may go when
======================  =====================================================  =========================================
``finder``              puts the stand-ins below in place of absent or broken  the two below have gone
                        compiled modules
``mmcv_ext``            ``mmcv._ext`` (nms, soft-nms, RoIAlign, focal loss)     mmcv publishes wheels for current torch
                        from torchvision and plain torch                       (open-mmlab/mmcv#3303)
``xtcoco``              pycocotools in place of xtcocotools                    xtcocotools publishes wheels for numpy 2
                                                                               (jin-s13/xtcocoapi#43)
``mmpose_circles``      mmpose's drawing of points with numpy 2.4              mmpose passes the radius as a number
``mmpose_metainfo``     mmpose's data sets in a folder that has           mmpose looks in its own package first
                        ``configs/_base_/datasets``
``mmengine_amp``        mixed precision on the CPU                             mmengine accepts it
                                                                               (open-mmlab/mmengine#1616)
``package_utils``       mmengine's look-up of installed packages without       mmengine after 0.10.7 is on PyPI
                        ``pkg_resources``                                      (open-mmlab/mmengine#1676)
``message_hub``         mmengine's training checkpoints without pickled        mmengine stores its message hub as plain
                        objects, so that they load with nothing allowed        values (open-mmlab/mmengine#1655)
``scope``               configs written without ``default_scope``              never: old configs stay as they are
``pipelines``           mmdet's and mmpose's test pipelines on pictures that   never: needed as long as their models are
                        come from no data set
======================  =====================================================  =========================================

mmpose asks for chumpy, which no longer builds and which nothing imports (open-mmlab/mmpose#3020): it is left out by the
project's dependency metadata, no code is needed for it.
"""

from __future__ import annotations

from faceresearch.compat import package_utils
from faceresearch.compat.finder import install_finder

__all__ = ['install']


def install() -> None:
    """Make mmcv, mmdet and mmpose importable and usable; calling it again changes nothing.

    ``faceresearch.registry`` calls it, so it is in place before a config names an mmdet or mmpose component. It imports
    mmengine, but neither torch-heavy mmcv operators nor mmdet nor mmpose.
    """
    install_finder()
    package_utils.patch()
