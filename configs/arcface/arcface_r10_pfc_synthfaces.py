# ArcFace, iResNet-10, SynthFaces identities, three in ten of the classes in each step (PartialFC).
#   train   python tools/train.py configs/arcface/arcface_r10_pfc_synthfaces.py
#   test    python tools/test.py configs/arcface/arcface_r10_pfc_synthfaces.py CHECKPOINT
_base_ = './arcface_r10_synthfaces.py'

model = dict(head=dict(sample_rate=0.3))
