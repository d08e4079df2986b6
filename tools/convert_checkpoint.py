"""Convert a published checkpoint to this project's names, completely and strictly."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/convert_checkpoint.py mobilenet0.25_Final.pth retinaface_mnet025_widerface -o checkpoints/retinaface_mnet025.safetensors
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('source', metavar='SOURCE', help='checkpoint: .pth, .pt, .tar, .ckpt, .safetensors, .onnx, .h5')
    parser.add_argument('config', metavar='CONFIG', help='config of the model that receives the tensors')
    parser.add_argument('-o', '--out', metavar='OUT.safetensors', required=True, help='file to write')
    parser.add_argument('--list', action='store_true', help='print what became of every tensor')
    parser.add_argument(
        '--bn',
        choices=('identity', 'calibrated'),
        default='identity',
        help='batch norm of an ONNX file, which has it folded away: exact (default), or with statistics of --images,'
        ' which is the same in evaluation and can be trained',
    )
    parser.add_argument('--images', metavar='DIR', help='images for --bn calibrated')
    add_common_arguments(parser)
    args = parser.parse_args(argv)

    from faceresearch.zoo.convert import convert_checkpoint

    conversion = convert_checkpoint(args.source, args.config, args.out, tuple(args.overrides), args.bn, args.images)
    report = conversion.report
    if args.list:
        for old, new in report.mapped.items():
            print(f'{old} -> {new}')
    for old, reason in report.dropped.items():
        print(f'dropped {old}: {reason}')
    print(
        f'{report.converter}: {len(report.mapped)} tensors mapped, {len(report.dropped)} dropped,'
        f' {conversion.parameters:,} parameters in the model; wrote {conversion.path}'
    )
    return 0


if __name__ == '__main__':
    run_tool(main)
