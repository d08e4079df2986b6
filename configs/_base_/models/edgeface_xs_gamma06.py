# EdgeFace-XS with low-rank linear layers (gamma 0.6) of otroshi/edgeface.
_base_ = './face_recognizer.py'

model = dict(backbone=dict(type='EdgeFace', size='x_small', rank_ratio=0.6, embedding_size=512, pretrained=None))
