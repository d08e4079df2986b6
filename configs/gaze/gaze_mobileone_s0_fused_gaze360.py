# Gaze, MobileOne-S0 as it is deployed, one convolution a block: for weights that are published fused. It has no batch norm
# to train with; train gaze_mobileone_s0_gaze360, whose exported file is this network.
#   test    python tools/test.py configs/gaze/gaze_mobileone_s0_fused_gaze360.py CHECKPOINT --out metrics.json
#   export  python tools/export_onnx.py configs/gaze/gaze_mobileone_s0_fused_gaze360.py CHECKPOINT -o model.onnx
_base_ = './gaze_mobileone_s0_gaze360.py'

model = dict(backbone=dict(fused=True))
