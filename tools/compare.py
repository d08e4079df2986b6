"""Tell which of two runs is better: recognition models pair by pair, others by their reports."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/compare.py a.npz b.npz --far 1e-3 -o comparison.json
tools/compare.py a.npz b.npz --benchmark ijbc data_root=data/ijbc --far 1e-4 1e-5
tools/compare.py reports/baseline reports/longer --html comparison.html
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument(
        'a',
        metavar='A',
        help='embeddings (tools/test.py --dump), folder of a report (--report) or metrics.json (--out)',
    )
    parser.add_argument('b', metavar='B', help='the same of the second run')
    parser.add_argument('--benchmark', metavar='B', help='of embeddings: config of the pairs; needed for IJB features')
    parser.add_argument('--far', nargs='+', type=float, default=[1e-3], metavar='F', help='default %(default)s')
    parser.add_argument('--samples', type=int, default=1000, metavar='N', help='draws of the bootstrap (default 1000)')
    parser.add_argument('-o', '--out', metavar='comparison.json', help='write the outcome as JSON')
    parser.add_argument(
        '--html', metavar='comparison.html', help='write metrics, plots and config differences as a page'
    )
    add_common_arguments(parser)
    args = parser.parse_args(argv)

    from faceresearch.apis.compare import compare

    lines = compare(args.a, args.b, args.benchmark, args.overrides, args.far, args.samples, args.out, args.html)
    print('\n'.join(lines))
    return 0


if __name__ == '__main__':
    run_tool(main)
