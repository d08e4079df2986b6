# RFW: 6,000 pairs of African, Asian, Caucasian and Indian faces each; figures of each group and between them.
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/rfw.py
#   a file   python tools/test.py configs/benchmarks/rfw.py --predictions P.npz
_base_ = '../_base_/datasets/verification.py'

data_root = 'data/rfw'
key_prefix = 'rfw'

test_dataloader = dict(dataset=dict(type='RFWDataset', data_root=data_root))

default_scope = 'faceresearch'
benchmark = dict(task='recognition', data='RFW', protocol='ten folds in each group', pairs=24000)
