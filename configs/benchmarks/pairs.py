# Pairs of your own: a list (LFW's form, or 'issame path path') over a folder of aligned faces.
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/pairs.py
#   a file   python tools/test.py configs/benchmarks/pairs.py --predictions P.npz
_base_ = '../_base_/datasets/verification.py'

data_root = 'data/pairs'
ann_file = 'pairs.txt'
img_dir = 'images'

test_dataloader = dict(
    dataset=dict(type='PairTxtDataset', data_root=data_root, ann_file=ann_file, img_dir=img_dir),
)

default_scope = 'faceresearch'
benchmark = dict(task='recognition', data='own pairs', protocol='folds of consecutive pairs, threshold from the others')
