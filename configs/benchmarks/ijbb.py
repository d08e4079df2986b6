# IJB-B: TAR at FAR over 8,010,270 pairs of templates; depth=full adds search in the galleries.
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/ijbb.py
#   a file   python tools/test.py configs/benchmarks/ijbb.py --predictions P.npz
_base_ = '../_base_/datasets/ijb.py'

data_root = 'data/ijbb'
prefix = 'ijbb'
key_prefix = 'ijbb'

default_scope = 'faceresearch'
benchmark = dict(task='recognition', data='IJB-B', protocol='1:1 and 1:N', images=227630)
