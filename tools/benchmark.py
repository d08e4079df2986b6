"""Measure a model: parameters, multiply-adds, latency in torch, torch.compile and onnxruntime."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/benchmark.py retinaface_mnet025_widerface --size 480 640
tools/benchmark.py retinaface_r50_widerface --batch 8 --backends torch onnxruntime
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('config', metavar='CONFIG', help='a config file, or the name of one in configs/')
    parser.add_argument(
        '--checkpoint', metavar='CHECKPOINT', default='none', help='weights; speed does not depend on them'
    )
    parser.add_argument(
        '--size', type=int, nargs=2, metavar=('H', 'W'), help="image size (default: the model's own, or 640 640)"
    )
    parser.add_argument('--batch', type=int, default=1, metavar='N', help='images at once (default: 1)')
    parser.add_argument('--runs', type=int, default=20, metavar='N', help='timed runs (default: 20)')
    parser.add_argument(
        '--backends',
        nargs='+',
        choices=('torch', 'compile', 'onnxruntime'),
        default=('torch', 'compile', 'onnxruntime'),
        help='what to measure (default: all)',
    )
    parser.add_argument('--device', metavar='DEVICE', help='cpu, cuda, … (default: a GPU where there is one)')
    add_common_arguments(parser)
    args = parser.parse_args(argv)

    from faceresearch.apis.benchmark import benchmark

    benchmark(
        args.config,
        args.checkpoint,
        args.overrides,
        tuple(args.size) if args.size else None,
        args.batch,
        args.runs,
        args.backends,
        args.device,
    )
    return 0


if __name__ == '__main__':
    run_tool(main)
