# WebFace12M, folders 0 to 2 of WebFace42M: about 600,000 identities, hence also WebFace600K.
_base_ = './faces_recordio.py'

data_root = 'data/webface12m'
num_classes = 617970
num_images = 12720066
