# MiniFASNetV2 on Spoof in the Wild, protocol 1 to 3.
#   train   python tools/train.py configs/minifasnet/minifasnet_v2_siw_80.py protocol=2 left_out=4
#   test    python tools/test.py configs/minifasnet/minifasnet_v2_siw_80.py CHECKPOINT protocol=2 left_out=4 --out metrics.json
_base_ = [
    '../_base_/models/minifasnet.py',
    '../_base_/datasets/siw.py',
    '../_base_/schedules/minifasnet_sgd.py',
    '../_base_/default_runtime.py',
]

# The whole frame is the face: cut frames to about 2.7 times the face's box beforehand.
scales = [None]
