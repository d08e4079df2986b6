"""Export every network of attributes, gaze, head pose and liveness, and compare the files with torch.

Expected: each export equals torch within the exporter's limit, for one image and for four, has one output for each head,
and its contract is the config's; MobileOne is exported with one convolution for each block and no branches. Configs that
differ in data or training alone have one network, which is exported once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from exporting import chosen_networks, contract_error, distinct_networks, export_all
from record import folder_of, parser, record

FAMILIES = ('age_gender', 'demography', 'emotion', 'fairface', 'gaze', 'head_pose', 'minifasnet')
SMALL = ('emotion_r18_ckplus_48', 'minifasnet_v1se_celebaspoof_80')
NEEDED = {'size', 'colour_order', 'mean', 'std'}
#: Convolutions of MobileOne's stem and of a depthwise and a pointwise block in each of 21 units; S4 has two more for the
#: attention in both blocks of its last five units of stage 3 and of its last unit.
CONVOLUTIONS = {'s0': 43, 's1': 43, 's2': 43, 's3': 43, 's4': 43 + 2 * 2 * 6}


def main() -> int:
    options = parser(__doc__ or '')
    options.add_argument('--jobs', type=int, default=1, help='exports at a time')
    options.add_argument('--only', nargs='+', help='these configs; nothing is recorded')
    args = options.parse_args()
    networks = distinct_networks(FAMILIES, network)
    names = chosen_networks(networks, args.only, SMALL, args.reduced)
    with folder_of(args.work_dir) as folder:
        failed = export_all(names, folder, args.jobs, None, error_of)
    shared = sum(len(others) for others in networks.values())
    rows = [
        f'{len(names)} networks with random weights, batch norm statistics of a batch of images, at the size of each,'
        f' one image and four at once; {shared} further configs have one of these networks and its contract. MobileOne'
        ' S0 to S4 have one convolution a block and nothing to add up. Not equal to torch, branches left, or without the'
        f' contract: {", ".join(failed) or "none"}.'
    ]
    command = 'python benchmarks/acceptance/attributes_export.py'
    record('Attribute networks as ONNX', command, rows, write=not (args.reduced or args.only))
    for name, message in failed.items():
        print(name, message, sep='\n')
    return 1 if failed else 0


def network(model: dict[str, Any]) -> dict[str, Any]:
    """Return what of an attribute model is exported: not where its weights come from, dropout and the losses."""
    exported = {key: value for key, value in model.items() if key not in ('auxiliary', 'dropout', 'init_cfg')}
    backbone = exported.get('backbone')
    if backbone:
        exported['backbone'] = {key: value for key, value in backbone.items() if key != 'pretrained'}
    return exported


def error_of(name: str, file: Path) -> str:
    """Say what is wrong with an exported file, or nothing."""
    import onnx

    from faceresearch.config import load_config

    model = load_config(name).model
    graph = onnx.load(file, load_external_data=False).graph
    heads = list((model.get('members') or [model])[0]['heads'])
    outputs = [output.name for output in graph.output]
    if outputs != heads:
        return f'the outputs are {outputs}, the heads {heads}'
    backbone = model.get('backbone') or {}
    if backbone.get('type') == 'MobileOne':
        kinds = [node.op_type for node in graph.node]
        wanted = CONVOLUTIONS[backbone['size']]
        # Batch norms of branches, and their sum, are folded into the one convolution.
        left = {kind for kind in ('Add', 'BatchNormalization') if kind in kinds}
        if kinds.count('Conv') != wanted or left:
            return f'not fused: {kinds.count("Conv")} convolutions instead of {wanted}, {", ".join(left) or "no"} left'
    return contract_error(name, file, NEEDED)


if __name__ == '__main__':
    sys.exit(main())
