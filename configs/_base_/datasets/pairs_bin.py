# A verification file of InsightFace, as it lies beside the training sets (lfw.bin, cfp_fp.bin, agedb_30.bin, ...).
_base_ = './verification.py'

data_root = 'data/verification'
ann_file = 'lfw.bin'

test_dataloader = dict(dataset=dict(type='PairBinDataset', data_root=data_root, ann_file=ann_file))
