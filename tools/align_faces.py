"""Cut aligned faces out of a folder of images, with any detector that finds five points, or with given points."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, numbers, run_tool

EXAMPLE = """
tools/align_faces.py retinaface_mnet025_widerface checkpoints/retinaface.safetensors photos/ -o aligned/
tools/align_faces.py scrfd_500m_kps_widerface checkpoints/scrfd.safetensors crops/ -o aligned/ --pad 0,0.25,0.5
tools/align_faces.py loose_crop/ -o aligned/ --points meta/ijbc_name_5pts_score.txt
"""


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition('x')
    try:
        return int(height), int(width or height)
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r}: a side, or HEIGHTxWIDTH') from None


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('config', metavar='CONFIG', nargs='?', help='a config file, or the name of one in configs/')
    parser.add_argument('checkpoint', metavar='CHECKPOINT', nargs='?', help='a path, a zoo name, or none')
    parser.add_argument('folder', metavar='INPUT_FOLDER', help='images, in this folder and below it')
    parser.add_argument(
        '-o', '--output', metavar='OUT', required=True, help='folder for crops and alignment.json, .csv'
    )
    parser.add_argument('--size', type=_size, default=(112, 112), metavar='S', help='112 (default), 128, …, or 112x96')
    parser.add_argument(
        '--face', choices=('largest', 'central', 'best'), default='largest', help='which of several (default: largest)'
    )
    parser.add_argument('--score-thr', type=float, default=0.5, metavar='S', help='ignore detections below (0.5)')
    parser.add_argument(
        '--pad',
        type=numbers,
        default=(0.0,),
        metavar='F[,F…]',
        help='black border for the detector, as a fraction of the longer side; several are tried in turn until a face'
        ' is found (default: 0; tight crops: 0.25,0.5,0)',
    )
    parser.add_argument(
        '--points', metavar='FILE', help='points instead of a detector: JSON, CSV or text; see the docs'
    )
    parser.add_argument('--keep-missing', action='store_true', help='cut the middle out of images without a face')
    parser.add_argument('--restart', action='store_true', help='do images again that an earlier run has done')
    parser.add_argument('--device', metavar='DEVICE', help='cpu, cuda, cuda:1, … (default: a GPU where there is one)')
    add_common_arguments(parser, overrides=False)
    parser.set_defaults(overrides=[])  # KEY=VALUE may stand among the inputs
    args = parser.parse_args(argv)

    from faceresearch.apis.align import align_faces

    align_faces(
        args.folder,
        args.output,
        args.config,
        args.checkpoint,
        args.points,
        args.size,
        args.face,
        args.score_thr,
        args.pad,
        args.keep_missing,
        args.restart,
        args.overrides,
        args.device,
    )
    return 0


if __name__ == '__main__':
    run_tool(main)
