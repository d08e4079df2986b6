# cunjian's PFLD, 68 points: half the channels inside the blocks, crops of 1.2 times the box. Published as cunjian_pfld68.onnx.
#   convert python tools/convert_checkpoint.py cunjian_pfld68.onnx configs/landmark68/landmark68_pfld_cunjian_300w.py -o checkpoints/pfld68.safetensors
#   test    python tools/test.py configs/landmark68/landmark68_pfld_cunjian_300w.py checkpoints/pfld68.safetensors --benchmark ytf68
_base_ = './landmark68_pfld_300w.py'

padding = 1.2
model = dict(backbone=dict(stem='depthwise', expansion=(1, 1, 2, 1)))
