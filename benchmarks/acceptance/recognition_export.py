"""Export every recognition network and compare the files with torch, and their contracts with the configs'.

Expected: each export equals torch within the exporter's limit, for one image and for four, and says size, colour order,
alignment and embedding size. Configs that differ in data or training alone have one network, which is exported once.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from exporting import export_all
from record import ROOT, folder_of, parser, record

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
    networks = distinct_networks()
    names = list(networks)
    if args.only or args.reduced:
        names = list(args.only or SMALL)
        if unknown := [name for name in names if name not in networks]:
            sys.exit(f'error: {", ".join(unknown)}: another config has this network, or there is none of that name')
    with folder_of(args.work_dir) as folder:
        failed = export_all(names, folder, args.jobs, None, contract_error)
    shared = sum(len(others) for others in networks.values())
    rows = [
        f'{len(networks)} networks with random weights, batch norm statistics of a batch of images, at the size of each,'
        f' one image and four at once; {shared} further configs have one of these networks and its contract. Not equal'
        f' to torch, or without the contract: {", ".join(failed) or "none"}.'
    ]
    command = 'python benchmarks/acceptance/recognition_export.py'
    record('Recognition networks as ONNX', command, rows, write=not (args.reduced or args.only))
    for name, message in failed.items():
        print(name, message, sep='\n')
    return 1 if failed else 0


def distinct_networks() -> dict[str, list[str]]:
    """Return one config of each network and contract, and the others that have the same."""
    from faceresearch.config import load_config
    from faceresearch.config.contract import input_contract
    from faceresearch.models.recognizers import without_head

    first: dict[str, str] = {}
    networks: dict[str, list[str]] = {}
    for path in sorted(path for family in FAMILIES for path in (ROOT / 'configs' / family).glob('*.py')):
        cfg = load_config(path)
        contract = {key: value for key, value in input_contract(cfg).items() if key != 'licences'}
        key = json.dumps([dict(without_head(cfg.model)), contract], sort_keys=True, default=str)
        name = first.setdefault(key, path.stem)
        networks.setdefault(name, [])
        if name != path.stem:
            networks[name].append(path.stem)
    return networks


def contract_error(name: str, file: Path) -> str:
    """Say in what the contract in a file differs from the config's, or nothing."""
    from faceresearch.config import load_config
    from faceresearch.config.contract import input_contract
    from faceresearch.export import read_contract

    wanted, found = json.loads(json.dumps(input_contract(load_config(name)))), read_contract(file)
    missing = {'size', 'colour_order', 'alignment', 'embedding_size', 'mean', 'std'} - found.keys()
    if missing:
        return f'the file does not say {", ".join(sorted(missing))}'
    wrong = [key for key, value in wanted.items() if found.get(key) != value]
    return f'the file says another {", ".join(wrong)} than the config' if wrong else ''


if __name__ == '__main__':
    sys.exit(main())
