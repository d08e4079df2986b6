# RetinaFace, MobileNetV1 x0.25, WIDER FACE, 640 px.
#   train   python tools/train.py configs/retinaface/retinaface_mnet025_widerface.py
#   test    python tools/test.py configs/retinaface/retinaface_mnet025_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/retinaface/retinaface_mnet025_widerface.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/retinaface_mnet025.py',
    '../_base_/datasets/widerface.py',
    '../_base_/schedules/retinaface.py',
    '../_base_/default_runtime.py',
]
