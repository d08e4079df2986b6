"""Convert face annotations between WIDER FACE, RetinaFace, SCRFD, COCO and YOLO forms."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

FORMS = ('official', 'mat', 'retinaface', 'scrfd', 'coco', 'yolo_face', 'yolo_pose')
DESCRIPTION = f"""{__doc__}

form        what it is                                              what it cannot hold
official    wider_face_*_bbx_gt.txt: x y w h, six attributes        landmarks
mat         wider_face_*.mat, read only                             landmarks, the other attributes
retinaface  label.txt: x y w h, five times x y flag, quality        regions to ignore, faces with some of their points
scrfd       labelv2.txt: x1 y1 x2 y2, five times x y flag; or       attributes; landmarks of regions to ignore
            x1 y1 x2 y2 1, a region to ignore
coco        JSON: bbox, keypoints, iscrowd; attributes, quality     (holds all)
            and flags in fields of their own
yolo_face   YOLOv5-Face, a folder: 0 cx cy w h, five times x y      regions to ignore, attributes, points outside the image,
            divided by the image's sides; absent: -1                faces whose centre lies outside (cut off)
yolo_pose   YOLOv8-Face, a folder: the same, five times x y v       the same
            absent: v = 0

scrfd, coco and both yolo forms need image sizes, and the yolo forms are read with the images' names: give --images
unless the source has them. Lines that cannot be used are skipped; what was skipped and lost is said at the end.
"""
EXAMPLE = """
tools/convert_dataset.py train/label.txt -o train.json --to coco --images WIDER_train/images
tools/convert_dataset.py train.json -o labels/train --to yolo_pose
tools/convert_dataset.py labels/train -o labelv2.txt --from yolo_pose --to scrfd --images images/train
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(DESCRIPTION, EXAMPLE)
    parser.add_argument('source', metavar='SOURCE', help='an annotation file, or a folder of YOLO labels')
    parser.add_argument('-o', '--output', metavar='OUT', required=True, help='file, or folder of YOLO labels, to write')
    parser.add_argument(
        '--from', dest='form', metavar='FORM', choices=FORMS, help='form of SOURCE (default: recognised by content)'
    )
    parser.add_argument('--to', metavar='FORM', required=True, choices=FORMS, help='form of OUT')
    parser.add_argument('--images', metavar='DIR', help='image folder, from which the paths in the annotations start')
    parser.add_argument(
        '--category',
        metavar='NAME',
        action='append',
        help='a category of a COCO file that is a face; may be repeated (default: "face", or the only one)',
    )
    parser.add_argument(
        '--keep-ignored',
        action='store_true',
        help='make faces of the regions to ignore, where FORM has none, instead of leaving them out',
    )
    add_common_arguments(parser, overrides=False)
    args = parser.parse_args(argv)

    from faceresearch.apis.convert_dataset import convert_dataset

    convert_dataset(args.source, args.output, args.to, args.form, args.images, args.category, args.keep_ignored)
    return 0


if __name__ == '__main__':
    run_tool(main)
