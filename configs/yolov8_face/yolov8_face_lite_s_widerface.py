# YOLOv8-Face lite-s, WIDER FACE, 640 px.
#   train   python tools/train.py configs/yolov8_face/yolov8_face_lite_s_widerface.py train_ann_file=train/label.txt
#   test    python tools/test.py configs/yolov8_face/yolov8_face_lite_s_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/yolov8_face/yolov8_face_lite_s_widerface.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/yolov8_face_lite_s.py',
    '../_base_/datasets/widerface_yolo.py',
    '../_base_/schedules/yolov8_face.py',
]

max_epochs = 300
mosaic_prob = 1.0
mosaic_stop_epoch = max(max_epochs - 10, 0)
