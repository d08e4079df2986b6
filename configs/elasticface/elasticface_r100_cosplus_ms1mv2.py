# ElasticFace-Cos+, iResNet-100, MS1MV2: margins N(0.35, 0.02²) drawn for each sample.
#   train   python tools/train.py configs/elasticface/elasticface_r100_cosplus_ms1mv2.py
#   test    python tools/test.py configs/elasticface/elasticface_r100_cosplus_ms1mv2.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/elasticface/elasticface_r100_cosplus_ms1mv2.py CHECKPOINT -o model.onnx
_base_ = './elasticface_r100_arc_ms1mv2.py'

model = dict(head=dict(margin=dict(form='cos', plus=True)))
