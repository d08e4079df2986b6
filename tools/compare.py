"""Tell which of two recognition models is better on the same pairs, and whether that may be chance."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/compare.py a.npz b.npz --far 1e-3 -o comparison.json
tools/compare.py a.npz b.npz --benchmark ijbc data_root=data/ijbc --far 1e-4 1e-5
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('a', metavar='A.npz', help='stored embeddings of the first model (tools/test.py --dump)')
    parser.add_argument('b', metavar='B.npz', help='those of the second')
    parser.add_argument('--benchmark', metavar='B', help='config of the pairs; needed for IJB features')
    parser.add_argument('--far', nargs='+', type=float, default=[1e-3], metavar='F', help='default %(default)s')
    parser.add_argument('--samples', type=int, default=1000, metavar='N', help='draws of the bootstrap (default 1000)')
    parser.add_argument('-o', '--out', metavar='comparison.json', help='write the outcome as JSON')
    add_common_arguments(parser)
    args = parser.parse_args(argv)

    from faceresearch.apis.recognition import compare, comparison_lines

    outcome = compare(args.a, args.b, args.benchmark, args.overrides, args.far, args.samples, args.out)
    print('\n'.join(comparison_lines(outcome)))
    return 0


if __name__ == '__main__':
    run_tool(main)
