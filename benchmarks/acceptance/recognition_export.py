"""Export every recognition network and compare the files with torch, and their contracts with the configs'.

Expected: each export equals torch within the exporter's limit, for one image and for four, and says size, colour order,
alignment and embedding size. Configs that differ in data or training alone have one network, which is exported once.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from exporting import chosen_networks, contract_error, distinct_networks, export_all
from record import folder_of, parser, record

FAMILIES = (
    *('adaface', 'arcface', 'cosface', 'curricularface', 'deepid', 'edgeface', 'elasticface', 'facenet', 'magface'),
    *('mobileface', 'openface', 'sphereface', 'vggface'),
)
SMALL = ('arcface_mbf_ms1mv3', 'deepid_celebfaces_55x47', 'edgeface_xxs_webface12m')


def main() -> int:
    options = parser(__doc__ or '')
    options.add_argument('--jobs', type=int, default=1, help='exports at a time (a large one takes 6 GB)')
    options.add_argument('--only', nargs='+', help='these configs; nothing is recorded')
    args = options.parse_args()
    networks = distinct_networks(FAMILIES, network)
    names = chosen_networks(networks, args.only, SMALL, args.reduced)
    needed = {'size', 'colour_order', 'alignment', 'embedding_size', 'mean', 'std'}
    with folder_of(args.work_dir) as folder:
        failed = export_all(names, folder, args.jobs, None, partial(contract_error, needed=needed))
    shared = sum(len(others) for others in networks.values())
    rows = [
        f'{len(names)} networks with random weights, batch norm statistics of a batch of images, at the size of each,'
        f' one image and four at once; {shared} further configs have one of these networks and its contract. Not equal'
        f' to torch, or without the contract: {", ".join(failed) or "none"}.'
    ]
    command = 'python benchmarks/acceptance/recognition_export.py'
    record('Recognition networks as ONNX', command, rows, write=not (args.reduced or args.only))
    for name, message in failed.items():
        print(name, message, sep='\n')
    return 1 if failed else 0


def network(model: dict[str, Any]) -> dict[str, Any]:
    """Return what of a recogniser is exported."""
    from faceresearch.models.recognizers import without_head

    return dict(without_head(model))


if __name__ == '__main__':
    sys.exit(main())
