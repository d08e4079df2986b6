"""Find the similarity threshold for a false accept rate, from stored embeddings or by running a model."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/calibrate.py embeddings.npz --far 1e-3 1e-4 -o thresholds.json
tools/calibrate.py features.npz --benchmark ijbc data_root=data/ijbc --far 1e-5
tools/calibrate.py arcface_r50_ms1mv3 model.safetensors --benchmark lfw -o thresholds.json
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('source', metavar='P.npz|CONFIG', help='stored embeddings, or with CHECKPOINT a config')
    parser.add_argument('checkpoint', nargs='?', metavar='CHECKPOINT', help='weights of the model to run')
    parser.add_argument('--benchmark', metavar='B', help='config of the pairs; needed for a model and for IJB features')
    parser.add_argument(
        '--far', nargs='+', type=float, default=[1e-2, 1e-3, 1e-4], metavar='F', help='default %(default)s'
    )
    parser.add_argument('-o', '--out', metavar='thresholds.json', help='write the thresholds as JSON')
    add_common_arguments(parser)
    args = parser.parse_args(argv)

    from faceresearch.apis.recognition import calibrate, calibration_lines

    outcome = calibrate(args.source, args.checkpoint, args.benchmark, args.overrides, args.far, args.out)
    print('\n'.join(calibration_lines(outcome)))
    return 0


if __name__ == '__main__':
    run_tool(main)
