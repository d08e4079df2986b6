# AgeDB-30, 6000 pairs in ten folds: agedb_30.bin of InsightFace in data_root.
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/agedb_30.py
#   a file   python tools/test.py configs/benchmarks/agedb_30.py --predictions P.npz
_base_ = '../_base_/datasets/pairs_bin.py'

ann_file = 'agedb_30.bin'
key_prefix = 'agedb_30'

default_scope = 'faceresearch'
benchmark = dict(task='recognition', data='AgeDB-30', protocol='ten folds, threshold from the other nine', pairs=6000)
