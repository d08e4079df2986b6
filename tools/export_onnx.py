"""Export a model to ONNX and compare the file with torch before it is written."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/export_onnx.py retinaface_mnet025_widerface checkpoints/retinaface.safetensors -o retinaface.onnx
tools/export_onnx.py scrfd_500m_kps_widerface scrfd.safetensors -o scrfd_int8.onnx --end2end --int8 data/photos
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('config', metavar='CONFIG', help='a config file, or the name of one in configs/')
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help="a path, a zoo name, or 'none' for random weights")
    parser.add_argument('-o', '--output', metavar='FILE', required=True, help='the ONNX file to write')
    parser.add_argument('--end2end', action='store_true', help='from an image of bytes to detections, points, …')
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument('--fp16', action='store_true', help='weights and layers in half precision')
    precision.add_argument('--int8', metavar='FOLDER', help='layers on bytes; ranges from the images in this folder')
    parser.add_argument(
        '--calibration-images', type=int, default=100, metavar='N', help='how many of them are used (default: 100)'
    )
    parser.add_argument('--opset', type=int, default=18, metavar='N', help='ONNX operator set (default: 18)')
    parser.add_argument('--no-verify', action='store_true', help='do not compare the file with torch')
    add_common_arguments(parser)
    args = parser.parse_args(argv)

    from faceresearch.apis.export import export_onnx

    export_onnx(
        args.config,
        args.checkpoint,
        args.output,
        args.overrides,
        end2end=args.end2end,
        opset=args.opset,
        verify=not args.no_verify,
        fp16=args.fp16,
        int8=args.int8,
        calibration_images=args.calibration_images,
    )
    return 0


if __name__ == '__main__':
    run_tool(main)
