"""Train a model."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)] if (ROOT / 'faceresearch').is_dir() else []  # a checkout, not an installed package

from faceresearch.cli import add_common_arguments, make_parser, run_tool

EXAMPLE = """
tools/train.py retinaface_mnet025_widerface data_root=/data/widerface batch_size=16
tools/train.py retinaface_mnet025_widerface --work-dir runs/a --resume
tools/train.py retinaface_mnet025_widerface --multirun --jobs 2 lr=1e-3,1e-2
"""


def main(argv: list[str] | None = None) -> int:
    parser = make_parser(__doc__ or '', EXAMPLE)
    parser.add_argument('config', metavar='CONFIG', help='a config file, or the name of one in configs/')
    parser.add_argument('--work-dir', metavar='D', help='checkpoints and logs; default work_dirs/<config name>')
    parser.add_argument(
        '--resume',
        nargs='?',
        const=True,
        default=False,
        metavar='CKPT',
        help='continue from CKPT, or from the newest checkpoint in the work dir; from the beginning if there is none',
    )
    parser.add_argument('--amp', action='store_true', help='half precision: bfloat16 on the CPU, float16 on a GPU')
    parser.add_argument('--auto-scale-lr', action='store_true', help='scale the learning rate to the batch size')
    parser.add_argument('--launcher', choices=('none', 'pytorch', 'slurm', 'mpi'), default='none')
    parser.add_argument('--multirun', action='store_true', help='train once for each combination of lr=0.1,0.01 …')
    parser.add_argument('--jobs', type=int, default=1, metavar='N', help='with --multirun: trainings at a time')
    add_common_arguments(parser)
    args = parser.parse_args(argv)

    from faceresearch.apis.train import train, train_sweep

    if args.multirun:
        if args.resume not in (False, True) or args.launcher != 'none':
            parser.error('--multirun goes with neither --resume CKPT nor --launcher')
        flags = ('resume', 'amp', 'auto_scale_lr', 'debug')
        options = [f'--{flag.replace("_", "-")}' for flag in flags if getattr(args, flag)]
        return train_sweep(Path(__file__), args.config, args.overrides, args.work_dir, args.jobs, options)
    train(
        args.config,
        args.overrides,
        work_dir=args.work_dir,
        resume=args.resume,
        amp=args.amp,
        auto_scale_lr=args.auto_scale_lr,
        launcher=args.launcher,
    )
    return 0


if __name__ == '__main__':
    run_tool(main)
