# WebFace4M: folder 0 of WebFace42M.
_base_ = './faces_recordio.py'

data_root = 'data/webface4m'
num_classes = 205990
num_images = 4235242
