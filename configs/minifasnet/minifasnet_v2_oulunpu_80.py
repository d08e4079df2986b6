# MiniFASNetV2 on OULU-NPU, protocol 1 to 4 (3 and 4 have six folds).
#   train   python tools/train.py configs/minifasnet/minifasnet_v2_oulunpu_80.py protocol=3 fold=1
#   test    python tools/test.py configs/minifasnet/minifasnet_v2_oulunpu_80.py CHECKPOINT protocol=3 fold=1 --out metrics.json
_base_ = [
    '../_base_/models/minifasnet.py',
    '../_base_/datasets/oulu_npu.py',
    '../_base_/schedules/minifasnet_sgd.py',
    '../_base_/default_runtime.py',
]

# The whole frame is the face: cut frames to about 2.7 times the face's box beforehand.
scales = [None]
