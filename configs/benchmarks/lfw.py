# LFW, 6000 pairs in ten folds: lfw.bin of InsightFace in data_root.
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/lfw.py
#   a file   python tools/test.py configs/benchmarks/lfw.py --predictions P.npz
_base_ = '../_base_/datasets/pairs_bin.py'

ann_file = 'lfw.bin'
key_prefix = 'lfw'

default_scope = 'faceresearch'
benchmark = dict(task='recognition', data='LFW', protocol='ten folds, threshold from the other nine', pairs=6000)
