# Emotion, ResNet-18, CK+ in class folders, no person on both sides: minutes on two cores.
#   train   python tools/train.py configs/emotion/emotion_r18_ckplus_48.py data_root=FOLDER
#   test    python tools/test.py configs/emotion/emotion_r18_ckplus_48.py CHECKPOINT data_root=FOLDER --out metrics.json
_base_ = './emotion_r18_fer2013_48.py'

data_root = 'data/CK+48'
emotions = 'ckplus/emotion'
person = r'^S\d+'
