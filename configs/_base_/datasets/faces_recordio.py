# Aligned faces in RecordIO, InsightFace's form: train.rec, train.idx and property in one folder. Nothing of mxnet is needed.
# Judged after every epoch on the verification files that come in the same archive; without any of them:
#   python tools/train.py CONFIG val_cfg=null val_dataloader=null val_evaluator=null
_base_ = './faces.py'

rec_file = 'train.rec'
val_root = _base_.data_root
# Those that are absent are left out, with a warning.
val_files = ['lfw.bin', 'cfp_fp.bin', 'agedb_30.bin']

train_dataloader = dict(dataset=dict(type='RecordFaceDataset', rec_file=rec_file))
val_dataloader = dict(
    batch_size=64,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PairBinDataset',
        data_root=val_root,
        ann_file=val_files,
        test_mode=True,
        pipeline=[dict(type='LoadImage'), dict(type='AlignFace', size=112), dict(type='PackFaceInputs')],
    ),
)
# val/accuracy, the mean of the sets, decides which model is the best; val/lfw/accuracy and so on.
val_evaluator = dict(type='VerificationMetric', prefix='val', depth='quick')
