"""Test a model, or judge stored predictions."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/test.py retinaface_mnet025_widerface work_dirs/retinaface_mnet025_widerface/best.safetensors --out metrics.json
tools/test.py retinaface_mnet025_widerface best.safetensors --benchmark widerface_val --dump predictions.npz
tools/test.py widerface_val --predictions predictions.npz
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('config', metavar='CONFIG', help='a config, or with --predictions a benchmark')
    parser.add_argument(
        'checkpoint', nargs='?', metavar='CHECKPOINT', help="a path, a zoo name, or 'none' for random weights"
    )
    parser.add_argument('--benchmark', metavar='B', help='config whose test set and protocol are used')
    parser.add_argument('--predictions', metavar='P.npz', help='judge these; no model and no images are needed')
    parser.add_argument('--work-dir', metavar='D', help='logs; default work_dirs/<config name>')
    parser.add_argument('--out', metavar='metrics.json', help='write the metrics as one flat JSON object')
    parser.add_argument('--dump', metavar='P.npz', help='write the predictions')
    parser.add_argument(
        '--report', metavar='D', help='write report.html into this folder: figures, plots, worst failures, config'
    )
    parser.add_argument('--launcher', choices=('none', 'pytorch', 'slurm', 'mpi'), default='none')
    add_common_arguments(parser)
    args = parser.parse_args(argv)

    from faceresearch.apis.test import judge_predictions, test

    if args.predictions:
        if args.checkpoint or args.benchmark or args.dump:
            parser.error('--predictions goes with a benchmark alone: no CHECKPOINT, --benchmark or --dump')
        figures = judge_predictions(args.config, args.predictions, args.overrides, out=args.out, report=args.report)
    else:
        if not args.checkpoint:
            parser.error("CHECKPOINT is missing: a path, a zoo name, or 'none' for random weights")
        figures = test(
            args.config,
            args.checkpoint,
            args.overrides,
            benchmark=args.benchmark,
            work_dir=args.work_dir,
            out=args.out,
            dump=args.dump,
            report=args.report,
            launcher=args.launcher,
        )
    for key, value in figures.items():
        print(f'{key:<32} {value:.4f}' if isinstance(value, float) else f'{key:<32} {value}')
    return 0


if __name__ == '__main__':
    run_tool(main)
