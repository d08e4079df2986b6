# Age as the expectation over years, 0 to 120 (DEX; DeepFace has 101), ResNet-18, UTKFace, images of 64 x 64.
#   train   python tools/train.py configs/age_gender/age_gender_bins_r18_utkface_64.py
#   test    python tools/test.py configs/age_gender/age_gender_bins_r18_utkface_64.py CHECKPOINT --out metrics.json
_base_ = './age_gender_r18_utkface_64.py'

model = dict(
    heads=dict(age=dict(_delete_=True, type='BinnedHead', bins=121, width=1.0, start=0.0, alpha=0.01, loss_weight=0.5))
)
