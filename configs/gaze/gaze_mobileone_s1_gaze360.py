# Gaze, MobileOne-S1, Gaze360; the exported file holds the fused network.
#   train   python tools/train.py configs/gaze/gaze_mobileone_s1_gaze360.py
#   test    python tools/test.py configs/gaze/gaze_mobileone_s1_gaze360.py CHECKPOINT --out metrics.json
_base_ = './gaze_r18_gaze360.py'

model = dict(backbone=dict(_delete_=True, type='MobileOne', size='s1'))
