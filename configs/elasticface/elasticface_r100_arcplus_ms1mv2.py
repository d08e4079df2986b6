# ElasticFace-Arc+, iResNet-100, MS1MV2: margins N(0.5, 0.0175²) drawn for each sample.
#   train   python tools/train.py configs/elasticface/elasticface_r100_arcplus_ms1mv2.py
#   test    python tools/test.py configs/elasticface/elasticface_r100_arcplus_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/elasticface/elasticface_r100_arcplus_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = './elasticface_r100_arc_ms1mv2.py'

model = dict(head=dict(margin=dict(form='arc', plus=True)))
