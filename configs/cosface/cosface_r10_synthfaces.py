# CosFace, iResNet-10, SynthFaces identities (rendered before the first epoch): minutes on two cores.
#   train   python tools/train.py configs/cosface/cosface_r10_synthfaces.py
#   test    python tools/test.py configs/cosface/cosface_r10_synthfaces.py CHECKPOINT
_base_ = '../arcface/arcface_r10_synthfaces.py'

model = dict(head=dict(margin=dict(type='CosFace', margin=0.1)))
