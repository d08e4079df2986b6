"""Look into a recognition set: long tail, sizes, broken images, doubtful labels, and what it shares with a test set."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/dataset_stats.py data/ms1m-retinaface-t1 -o outputs/ms1mv3 --jobs 8
tools/dataset_stats.py --audit data/ms1m-retinaface-t1 data/lfw --train-names ms1m_names.txt
tools/dataset_stats.py data/faces --embeddings embeddings.npz --no-decode
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('data', metavar='DATA', nargs='?', help='a .rec file, or a folder with train.rec or of images')
    parser.add_argument('--audit', nargs=2, metavar=('TRAIN', 'TEST'), help='what TEST (also a .bin) shares with TRAIN')
    parser.add_argument(
        '-o', '--output', metavar='D', default='outputs/dataset_stats', help='(default: outputs/dataset_stats)'
    )
    parser.add_argument('--jobs', type=int, default=1, metavar='N', help='processes that decode (default: 1)')
    parser.add_argument('--no-decode', action='store_true', help='count only, without reading the images')
    parser.add_argument(
        '--max-distance', type=int, default=16, metavar='B', help='bits, of 256, for nearly the same pixels'
    )
    parser.add_argument('--train-names', metavar='F', help='audit: names of the people in TRAIN, one a line')
    parser.add_argument('--test-names', metavar='F', help='audit: lines "image name" for TEST')
    parser.add_argument('--embeddings', metavar='P.npz', help='names and embeddings of DATA: look for doubtful labels')
    parser.add_argument(
        '--far', type=float, default=0.2588, metavar='C', help='cosine to its class below which an image is far'
    )
    parser.add_argument(
        '--merge', type=float, default=0.6, metavar='C', help='cosine of centres above which classes may be one'
    )
    add_common_arguments(parser, overrides=False)
    args = parser.parse_args(argv)
    if bool(args.data) == bool(args.audit):
        parser.error('give either DATA, or --audit TRAIN TEST')

    from faceresearch.apis.dataset_stats import audit_overlap, dataset_stats

    if args.audit:
        train, test = args.audit
        audit_overlap(train, test, args.output, args.jobs, args.max_distance, args.train_names, args.test_names)
        return 0
    decode = not args.no_decode
    dataset_stats(args.data, args.output, args.jobs, decode, args.embeddings, args.far, args.merge)
    return 0


if __name__ == '__main__':
    run_tool(main)
