# CPLFW, 6000 pairs in ten folds: cplfw.bin of InsightFace in data_root.
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/cplfw.py
#   a file   python tools/test.py configs/benchmarks/cplfw.py --predictions P.npz
_base_ = '../_base_/datasets/pairs_bin.py'

ann_file = 'cplfw.bin'
key_prefix = 'cplfw'

default_scope = 'faceresearch'
benchmark = dict(task='recognition', data='CPLFW', protocol='ten folds, threshold from the other nine', pairs=6000)
