"""Run a model on images, folders, videos or a camera's stream and draw what it finds: faces, points, masks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, numbers, run_tool

EXAMPLE = """
tools/infer.py retinaface_mnet025_widerface checkpoints/retinaface.safetensors photos/ holiday.mp4 -o outputs --json
tools/infer.py retinaface_mnet025_widerface checkpoints/retinaface.safetensors 0
tools/infer.py hrnetv2_w18_hysts_anime28 checkpoints/hrnetv2.safetensors drawings/ --detector yolov3_d53_blackpad_anime checkpoints/yolov3.safetensors
tools/infer.py retinaface_mnet025_widerface retinaface.onnx photos/ --with mobileface_foamliu_ms1m mobileface.onnx --with minifasnet_v2_celebaspoof_80 minifasnet.onnx --json
tools/infer.py retinaface_mnet025_widerface checkpoints/retinaface.safetensors holiday.mp4 --anonymize pixelate
tools/infer.py retinaface_mnet025_widerface retinaface.onnx guest.jpg --with mobileface_foamliu_ms1m mobileface.onnx --find people/ --json
"""


def add_tasks(parser: argparse.ArgumentParser) -> None:
    task = parser.add_mutually_exclusive_group()
    task.add_argument('--track', action='store_true', help='give the faces of a video numbers that stay with them')
    task.add_argument(
        '--anonymize',
        choices=['pixelate', 'gaussian', 'ellipse', 'black'],
        metavar='KIND',
        help='hide the faces: pixelate, gaussian, ellipse or black (of videos the sound is left out)',
    )
    task.add_argument('--find', metavar='FOLDER', help='look for each face among those of the images in FOLDER')
    parser.add_argument('--store', metavar='FILE', help="keeps --find's embeddings (default: in FOLDER)")
    parser.add_argument('--top', type=int, default=5, metavar='K', help='matches of each face with --find (default: 5)')
    parser.add_argument('--match-thr', type=float, metavar='COS', help='leave out matches below this cosine')
    parser.add_argument('--rebuild', action='store_true', help='put a damaged store aside and begin a new one')


def task_of(args: argparse.Namespace) -> Any:
    from faceresearch.apis.infer_tasks import Find, Hide

    if args.find:
        return Find(args.find, args.store, args.top, args.match_thr, args.rebuild)
    return 'track' if args.track else Hide(args.anonymize) if args.anonymize else None


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
    add_tasks(parser)
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
        task=task_of(args),
    )
    return 0


if __name__ == '__main__':
    run_tool(main)
