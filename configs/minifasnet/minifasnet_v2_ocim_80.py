# MiniFASNetV2 on OCIM: trained on three data sets, tested on the fourth.
#   train   python tools/train.py configs/minifasnet/minifasnet_v2_ocim_80.py left_out=casia
#   test    python tools/test.py configs/minifasnet/minifasnet_v2_ocim_80.py CHECKPOINT left_out=casia --out metrics.json
_base_ = [
    '../_base_/models/minifasnet.py',
    '../_base_/datasets/ocim.py',
    '../_base_/schedules/minifasnet_sgd.py',
    '../_base_/default_runtime.py',
]

spoof_labels = 'binary/spoof'
# The whole frame is the face: cut frames to about 2.7 times the face's box beforehand.
scales = [None]
