# CALFW, 6000 pairs in ten folds: calfw.bin of InsightFace in data_root.
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/calfw.py
#   a file   python tools/test.py configs/benchmarks/calfw.py --predictions P.npz
_base_ = '../_base_/datasets/pairs_bin.py'

ann_file = 'calfw.bin'
key_prefix = 'calfw'

default_scope = 'faceresearch'
benchmark = dict(task='recognition', data='CALFW', protocol='ten folds, threshold from the other nine', pairs=6000)
