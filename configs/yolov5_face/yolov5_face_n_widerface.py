# YOLOv5-Face n, WIDER FACE, 800 px.
#   train   python tools/train.py configs/yolov5_face/yolov5_face_n_widerface.py train_ann_file=train/label.txt
#   test    python tools/test.py configs/yolov5_face/yolov5_face_n_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/yolov5_face/yolov5_face_n_widerface.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/yolov5_face_n.py',
    '../_base_/datasets/widerface_yolo.py',
    '../_base_/schedules/yolov5_face.py',
]

image_size = 800
shear = 0.5
rectangle = 64
