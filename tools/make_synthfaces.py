"""Render SynthFaces to disk: scenes in the WIDER FACE layout, or aligned faces in a folder per person."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/make_synthfaces.py data/synthfaces --split val --scenes 200
tools/make_synthfaces.py data/synthfaces --split train --scenes 2000 --size 320 320 --jobs 2
tools/make_synthfaces.py data/synth_people --split val --identities 200 --images 5 --jobs 2
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('out', metavar='FOLDER', help='root of the layout, e.g. data/synthfaces')
    parser.add_argument('--split', choices=('train', 'val'), default='val', help='default: val')
    parser.add_argument('--scenes', type=int, default=200, metavar='N', help='number of scenes (default 200)')
    parser.add_argument('--size', type=int, nargs=2, default=(320, 320), metavar=('H', 'W'), help='default 320 320')
    parser.add_argument('--identities', type=int, metavar='N', help='aligned faces of N people instead of scenes')
    parser.add_argument('--images', type=int, default=10, metavar='K', help='images of each of them (default 10)')
    parser.add_argument('--crop-size', type=int, default=112, metavar='S', help='their side in pixels (default 112)')
    parser.add_argument('--seed', type=int, default=0, metavar='S', help='first part of all seeds (default 0)')
    parser.add_argument('--quality', type=int, default=95, metavar='Q', help='JPEG quality (default 95)')
    parser.add_argument('--jobs', type=int, default=1, metavar='J', help='processes that render (default 1)')
    add_common_arguments(parser, overrides=False)
    args = parser.parse_args(argv)

    if args.identities is not None:
        from faceresearch.synth.identity_layout import write_identity_layout
        from faceresearch.synth.portrait import PORTRAIT_VERSION

        images = write_identity_layout(
            args.out, args.split, args.identities, args.images, args.crop_size, args.seed, args.quality, args.jobs
        )
        print(f'{args.out}: {images} faces of {args.identities} {args.split} people, portraits {PORTRAIT_VERSION}')
        return 0

    from faceresearch.synth.scene import RENDERER_VERSION
    from faceresearch.synth.wider_layout import write_wider_layout

    faces = write_wider_layout(args.out, args.split, args.scenes, tuple(args.size), args.seed, args.quality, args.jobs)
    print(f'{args.out}: {args.scenes} {args.split} scenes, {faces} faces, renderer {RENDERER_VERSION}')
    return 0


if __name__ == '__main__':
    run_tool(main)
