# BiSeNet, ResNet-18, CelebAMask-HQ, as zllrunning/face-parsing.PyTorch trains: 80,000 iterations, warm-up, fast heads.
#   train   python tools/train.py configs/bisenet/bisenet_r18_celebamaskhq_512_zllrunning.py
#   test    python tools/test.py configs/bisenet/bisenet_r18_celebamaskhq_512_zllrunning.py CHECKPOINT
#   as published, on all 30,000 images: add train_split=all
_base_ = [
    '../_base_/models/bisenet_r18.py',
    '../_base_/datasets/celebamaskhq.py',
    '../_base_/schedules/bisenet_zllrunning.py',
]

# 16 on each of two GPUs.
batch_size = 32
