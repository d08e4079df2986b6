# XSeg, DeepFaceLab's network and optimiser, the faces of CelebAMask-HQ, 256 px.
#   train   python tools/train.py configs/xseg/xseg_dfl_celebamaskhq_256.py
#   test    python tools/test.py configs/xseg/xseg_dfl_celebamaskhq_256.py CHECKPOINT
#   draw    python tools/infer.py configs/xseg/xseg_dfl_celebamaskhq_256.py CHECKPOINT photos/
#   export  python tools/export_onnx.py configs/xseg/xseg_dfl_celebamaskhq_256.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/xseg.py',
    '../_base_/datasets/celebamaskhq_face.py',
    '../_base_/schedules/xseg.py',
    '../_base_/default_runtime.py',
]
