# Aligned faces in a folder per identity: data_root/IDENTITY/*.jpg
_base_ = './faces.py'

train_dataloader = dict(dataset=dict(type='ImageFolderFaceDataset'))
