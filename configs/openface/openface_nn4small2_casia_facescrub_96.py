# OpenFace nn4.small2, CASIA-WebFace and FaceScrub, 96 px. For embedding only.
#   test    python tools/test.py configs/openface/openface_nn4small2_casia_facescrub_96.py CHECKPOINT --benchmark lfw
#   export  python tools/export_onnx.py configs/openface/openface_nn4small2_casia_facescrub_96.py CHECKPOINT -o model.onnx
_base_ = ['../_base_/models/openface_nn4_small2.py', '../_base_/default_runtime.py']
