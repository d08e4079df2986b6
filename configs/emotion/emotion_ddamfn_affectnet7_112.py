# Emotion by DDAMFN, AffectNet without contempt (7 classes), aligned faces of 112 x 112.
#   train   python tools/train.py configs/emotion/emotion_ddamfn_affectnet7_112.py
#   test    python tools/test.py configs/emotion/emotion_ddamfn_affectnet7_112.py CHECKPOINT --out metrics.json
#   convert python tools/convert_checkpoint.py affecnet7_epoch19_acc0.671.pth configs/emotion/emotion_ddamfn_affectnet7_112.py -o checkpoints/ddamfn7.safetensors
_base_ = './emotion_ddamfn_affectnet8_112.py'

emotions = 'affectnet7/emotion'
