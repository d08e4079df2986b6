# IJB-C: TAR at FAR over 15,658,489 pairs of templates; depth=full adds search in the galleries.
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/ijbc.py
#   a file   python tools/test.py configs/benchmarks/ijbc.py --predictions P.npz
_base_ = '../_base_/datasets/ijb.py'

default_scope = 'faceresearch'
benchmark = dict(task='recognition', data='IJB-C', protocol='1:1 and 1:N', images=469375)
