# WebFace42M, also WebFace260M-2M.
_base_ = './faces_recordio.py'

data_root = 'data/webface42m'
num_classes = 2059906
num_images = 42474557
