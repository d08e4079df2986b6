# Glint360K.
_base_ = './faces_recordio.py'

data_root = 'data/glint360k'
num_classes = 360232
num_images = 17091657
