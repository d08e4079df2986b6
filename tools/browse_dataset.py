"""Draw samples of a data set with their annotations, before and after the transforms."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/browse_dataset.py retinaface_mnet025_widerface --count 24
tools/browse_dataset.py retinaface_mnet025_widerface data_root=/data/widerface --split val --mode original -o sheets
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('config', metavar='CONFIG', help='a config file, or the name of one in configs/')
    parser.add_argument(
        '-o', '--output', metavar='D', default='outputs/browse', help='folder for the sheets (default: outputs/browse)'
    )
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='train', help='(default: train)')
    parser.add_argument('--count', type=int, default=12, metavar='N', help='samples (default: 12)')
    parser.add_argument(
        '--mode',
        choices=('original', 'transformed', 'compare'),
        default='compare',
        help='as read, as the network gets it, or both side by side (default: compare)',
    )
    add_common_arguments(parser)
    args = parser.parse_args(argv)

    from faceresearch.apis.browse import browse_dataset

    browse_dataset(args.config, args.overrides, args.output, args.split, args.count, args.mode)
    return 0


if __name__ == '__main__':
    run_tool(main)
