# SCRFD-500M with key points, looking four times: finds the faces that fill an image, which 640 px alone misses.
#   test    python tools/test.py configs/scrfd/scrfd_500m_kps_widerface_closeups.py CHECKPOINT
_base_ = './scrfd_500m_kps_widerface.py'

resize = 'original'
model = dict(test_aug=dict(type='MultiScaleFlip', short_sides=(128, 192, 320, 640), max_long=1280, flip=False))
