"""Print the config a run would use, or which file and line set one of its values."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/print_config.py retinaface_mnet025_widerface batch_size=8
tools/print_config.py retinaface_mnet025_widerface data_root=/data --why train_dataloader.dataset.data_root
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('config', metavar='CONFIG', help='a config file, or the name of one in configs/')
    parser.add_argument('--why', metavar='KEY', help='say which file and line set KEY, and what was overridden')
    parser.add_argument('--check', action='store_true', help='also check type names and argument names (slower)')
    add_common_arguments(parser)
    args = parser.parse_args(argv)

    from faceresearch.config import explain, format_config, load_config, validate

    if args.why:
        print(explain(args.config, args.why, args.overrides))
        return 0
    cfg = load_config(args.config, args.overrides)
    if args.check:
        validate(cfg, args.overrides)
    print(format_config(cfg))
    return 0


if __name__ == '__main__':
    run_tool(main)
