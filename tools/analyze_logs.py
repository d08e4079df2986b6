"""Compare trainings: a table of their losses and metrics, and curves."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/analyze_logs.py work_dirs/retinaface_mnet025_widerface -o curves.png
tools/analyze_logs.py runs/a runs/b --keys loss widerface/hard_ap -o a_and_b.png
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('work_dirs', metavar='WORK_DIR', nargs='+', help='work dir of a training')
    parser.add_argument(
        '--keys', nargs='+', default=[], metavar='KEY', help='default: loss, learning rate and all metrics'
    )
    parser.add_argument('-o', '--out', metavar='OUT.png', help='draw curves to this file')
    add_common_arguments(parser, overrides=False)
    args = parser.parse_args(argv)

    from faceresearch.apis.logs import analyze

    analyze(args.work_dirs, args.keys, args.out)
    return 0


if __name__ == '__main__':
    run_tool(main)
