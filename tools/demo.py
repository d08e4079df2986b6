"""Try a model on images or the camera, on a web page of this machine."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/demo.py retinaface_mnet025_widerface checkpoints/retinaface.safetensors
tools/demo.py landmark68_pfld_300w checkpoints/pfld68.safetensors --detector retinaface_mnet025_widerface checkpoints/retinaface.safetensors --port 8000
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('config', metavar='CONFIG', help='a config file, or the name of one in configs/')
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help="a path, a zoo name, or 'none' for random weights")
    parser.add_argument(
        '--detector',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='find faces with this detector first, and run CONFIG on each of them (default: on whole images)',
    )
    parser.add_argument(
        '--with',
        dest='others',
        nargs=2,
        action='append',
        default=[],
        metavar=('CONFIG', 'CHECKPOINT'),
        help='a further model that looks at each face; may be repeated. Without --detector, CONFIG finds the faces',
    )
    parser.add_argument(
        '--score-thr', type=float, default=0.5, metavar='S', help='threshold to start with (default 0.5)'
    )
    parser.add_argument('--device', metavar='DEVICE', help='cpu, cuda, cuda:1, … (default: a GPU where there is one)')
    parser.add_argument('--port', type=int, default=7860, metavar='N', help='of the page on 127.0.0.1 (default 7860)')
    add_common_arguments(parser)
    args = parser.parse_args(argv)

    from faceresearch.apis.demo import run_demo

    detector = tuple(args.detector) if args.detector else None
    others = [tuple(source) for source in args.others]
    run_demo(args.config, args.checkpoint, args.overrides, detector, others, args.score_thr, args.device, args.port)
    return 0


if __name__ == '__main__':
    run_tool(main)
