"""Push a model to the Hugging Face hub, or pull one: config, weights and card."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/hub.py push retinaface_mnet025_widerface best.safetensors OWNER/NAME --licence mit --metrics metrics.json
tools/hub.py pull OWNER/NAME
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('action', choices=('push', 'pull'))
    parser.add_argument('names', nargs='+', metavar='CONFIG CHECKPOINT OWNER/NAME', help='pull: OWNER/NAME alone')
    parser.add_argument('--licence', metavar='L', help="push: of the weights, as the hub writes it ('mit', 'other')")
    parser.add_argument('--metrics', metavar='metrics.json', help='push: figures of tools/test.py --out for the card')
    parser.add_argument('--private', action='store_true', help='push: a new repository is private')
    parser.add_argument('--revision', metavar='R', help='pull: branch, tag or commit')
    parser.add_argument(
        '-o', '--output', metavar='D', default='checkpoints', help='pull: folder (default: checkpoints)'
    )
    add_common_arguments(parser, overrides=False)
    args = parser.parse_args(argv)
    if len(args.names) != (3 if args.action == 'push' else 1):
        parser.error('push takes CONFIG CHECKPOINT OWNER/NAME, pull takes OWNER/NAME')
    if args.action == 'push' and not args.licence:
        parser.error('--licence is missing: under what terms may the weights be used?')

    from faceresearch.zoo.hub import pull, push

    if args.action == 'push':
        config, checkpoint, repo = args.names
        print(push(config, checkpoint, repo, args.licence, args.metrics, args.private))
    else:
        config, weights = pull(args.names[0], args.output, args.revision)
        print(f'{config}\n{weights}')
    return 0


if __name__ == '__main__':
    run_tool(main)
