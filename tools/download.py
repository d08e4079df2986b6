"""Fetch published weights of models in the zoo, verify them, and convert them."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/download.py --list
tools/download.py retinaface_mnet025_widerface minifasnet_v2_celebaspoof_80
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('names', metavar='NAME', nargs='*', help='model in the zoo: the name of its config')
    parser.add_argument('--all', action='store_true', help='all that can be fetched')
    parser.add_argument('--list', action='store_true', help='show what there is, and fetch nothing')
    parser.add_argument('-o', '--output', metavar='D', default='checkpoints', help='(default: checkpoints)')
    parser.add_argument(
        '--cache', metavar='D', help='published files (default: $FACERESEARCH_CACHE or ~/.cache/faceresearch)'
    )
    parser.add_argument('--jobs', type=int, default=4, metavar='N', help='transfers at a time (default: 4)')
    parser.add_argument(
        '--offline', action='store_true', help='use only what is in the cache ($FACERESEARCH_OFFLINE=1)'
    )
    parser.add_argument('--accept-terms', action='store_true', help='accept non-commercial and unstated terms unasked')
    parser.add_argument(
        '--unverified', action='store_true', help='also fetch files whose checksum nobody has published'
    )
    add_common_arguments(parser, overrides=False)
    args = parser.parse_args(argv)
    if not (args.names or args.all or args.list):
        parser.error('name a model, or give --all or --list')

    from faceresearch.apis.download import download_models, list_models

    if args.list:
        list_models(args.names, args.output)
        return 0
    names = None if args.all else args.names
    options = (args.output, args.cache, args.jobs, args.offline, args.unverified, args.accept_terms)
    return download_models(names, *options)


if __name__ == '__main__':
    run_tool(main)
