# CFP-FP, 7000 pairs in ten folds: cfp_fp.bin of InsightFace in data_root.
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/cfp_fp.py
#   a file   python tools/test.py configs/benchmarks/cfp_fp.py --predictions P.npz
_base_ = '../_base_/datasets/pairs_bin.py'

ann_file = 'cfp_fp.bin'
key_prefix = 'cfp_fp'

default_scope = 'faceresearch'
benchmark = dict(task='recognition', data='CFP-FP', protocol='ten folds, threshold from the other nine', pairs=7000)
