# CASIA-WebFace, aligned: the 10,572 identities of InsightFace's record file.
_base_ = './faces_recordio.py'

data_root = 'data/faces_webface_112x112'
num_classes = 10572
num_images = 490623
