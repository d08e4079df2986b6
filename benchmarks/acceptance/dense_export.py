"""Export every landmark and parsing network and compare the files with torch, and their contracts with the configs'.

Expected: each export equals torch within the exporter's limit, for one image and for four, and says size, colour order and
alignment. Configs that differ in data, training or testing alone have one network, which is exported once. Landmarks are
heatmaps or coordinates as the network gives them; with its decoding, HRNet is compared on trained weights (hrnet_anime28.py).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from exporting import chosen_networks, contract_error, distinct_networks, export_all
from record import folder_of, parser, record

FAMILIES = ('bisenet', 'hrnetv2', 'landmark68', 'landmark98', 'landmark106', 'xseg')
SMALL = ('bisenet_r18_lapa_512', 'hrnetv2_w18_synthfaces28_128', 'landmark106_mnet050_lapa_192')
NEEDED = {'size', 'colour_order', 'alignment', 'mean', 'std'}
#: Arguments of models and their parts that an exported graph does not depend on; codecs are decoders.
_OTHER = frozenset(
    {'loss', 'decoder', 'codec', 'test_cfg', 'test_aug', 'flip_test', 'resize', 'init_cfg', 'pretrained', 'dropout'}
)


def main() -> int:
    options = parser(__doc__ or '')
    options.add_argument('--jobs', type=int, default=1, help='exports at a time')
    options.add_argument('--only', nargs='+', help='these configs; nothing is recorded')
    args = options.parse_args()
    networks = distinct_networks(FAMILIES, network)
    names = chosen_networks(networks, args.only, SMALL, args.reduced)
    with folder_of(args.work_dir) as folder:
        failed = export_all(names, folder, args.jobs, None, partial(contract_error, needed=NEEDED))
    shared = sum(len(others) for others in networks.values())
    rows = [
        f'{len(names)} networks with random weights, batch norm statistics of a batch of images, at the size of each'
        f' (parsers: several), one image and four at once; {shared} further configs have one of these networks and its'
        f' contract. Not equal to torch, or without the contract: {", ".join(failed) or "none"}.'
    ]
    command = 'python benchmarks/acceptance/dense_export.py'
    record('Landmark and parsing networks as ONNX', command, rows, write=not (args.reduced or args.only))
    for name, message in failed.items():
        print(name, message, sep='\n')
    return 1 if failed else 0


def network(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's config without what only training and testing depend on."""
    kept = {
        key: network(value) if isinstance(value, Mapping) else value
        for key, value in model.items()
        if key not in _OTHER
    }
    # The same network, tested otherwise.
    if kept.get('type') == 'faceresearch.MultiScaleTopdown':
        kept['type'] = 'TopdownPoseEstimator'
    return kept


if __name__ == '__main__':
    sys.exit(main())
