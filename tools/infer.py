"""Run a model on images, folders, videos or a camera's stream and draw what it finds: faces, points, masks."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, numbers, run_tool

EXAMPLE = """
tools/infer.py retinaface_mnet025_widerface checkpoints/retinaface.safetensors photos/ holiday.mp4 -o outputs --json
tools/infer.py retinaface_mnet025_widerface checkpoints/retinaface.safetensors 0
tools/infer.py hrnetv2_w18_hysts_anime28 checkpoints/hrnetv2.safetensors drawings/ --detector yolov3_d53_blackpad_anime checkpoints/yolov3.safetensors
tools/infer.py retinaface_mnet025_widerface retinaface.onnx photos/ --with mobileface_foamliu_ms1m mobileface.onnx --with minifasnet_v2_celebaspoof_80 minifasnet.onnx --json
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('config', metavar='CONFIG', help='a config file, or the name of one in configs/')
    parser.add_argument('checkpoint', metavar='CHECKPOINT', help="a path, a zoo name, or 'none' for random weights")
    parser.add_argument('inputs', metavar='INPUT', nargs='+', help='image, folder, video, or the index of a camera')
    parser.add_argument('-o', '--output', metavar='D', default='outputs', help='folder for results (default: outputs)')
    parser.add_argument('--json', action='store_true', help='also write detections.json: boxes, scores, points, …')
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.5,
        metavar='S',
        help='leave out detections below this score (default: 0.5); the model has a threshold of its own, too',
    )
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
        '--pad',
        type=numbers,
        default=(0.0,),
        metavar='F[,F…]',
        help='with --with or --detector: black borders to try in turn until an image has a face, as fractions of its longer'
        ' side (default: 0; tight crops: 0,0.25,0.5)',
    )
    parser.add_argument('--device', metavar='DEVICE', help='cpu, cuda, cuda:1, … (default: a GPU where there is one)')
    add_common_arguments(parser, overrides=False)
    parser.set_defaults(overrides=[])  # KEY=VALUE may stand among the inputs
    args = parser.parse_args(argv)

    from faceresearch.apis.infer import infer

    infer(
        args.config,
        args.checkpoint,
        args.inputs,
        args.output,
        write_json=args.json,
        score_thr=args.score_thr,
        overrides=args.overrides,
        device=args.device,
        detector=tuple(args.detector) if args.detector else None,
        others=[tuple(source) for source in args.others],
        pads=args.pad,
    )
    return 0


if __name__ == '__main__':
    run_tool(main)
