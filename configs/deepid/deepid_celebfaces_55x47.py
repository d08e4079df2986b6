# DeepID, CelebFaces, 55 x 47. For embedding only.
#   test    python tools/test.py configs/deepid/deepid_celebfaces_55x47.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/deepid/deepid_celebfaces_55x47.py CHECKPOINT -o model.onnx
_base_ = ['../_base_/models/deepid.py', '../_base_/default_runtime.py']
