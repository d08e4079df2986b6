# YOLOv8-Face lite-t, WIDER FACE, 640 px.
#   train   python tools/train.py configs/yolov8_face/yolov8_face_lite_t_widerface.py train_ann_file=train/label.txt
#   test    python tools/test.py configs/yolov8_face/yolov8_face_lite_t_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/yolov8_face/yolov8_face_lite_t_widerface.py CHECKPOINT -o model.onnx
_base_ = './yolov8_face_lite_s_widerface.py'

channels = (16, 48, 96, 192)
blocks = (2, 5, 2)
neck_channels = 48
