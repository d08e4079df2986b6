# CFP by its own splits: protocol='FP' (frontal-profile) or 'FF'. Align the images first (tools/align_faces.py).
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/cfp.py
#   a file   python tools/test.py configs/benchmarks/cfp.py --predictions P.npz
_base_ = '../_base_/datasets/verification.py'

data_root = 'data/cfp'
# The aligned images, with the paths they have below Data/Images.
img_dir = 'aligned'
protocol = 'FP'
key_prefix = f'cfp_{protocol.lower()}'

test_dataloader = dict(
    dataset=dict(type='CFPDataset', data_root=data_root, img_dir=img_dir, protocol=protocol),
)

default_scope = 'faceresearch'
benchmark = dict(task='recognition', data='CFP', protocol='ten splits, threshold from the other nine', pairs=7000)
