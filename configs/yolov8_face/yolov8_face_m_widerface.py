# YOLOv8-Face m, WIDER FACE, 640 px.
#   train   python tools/train.py configs/yolov8_face/yolov8_face_m_widerface.py train_ann_file=train/label.txt
#   test    python tools/test.py configs/yolov8_face/yolov8_face_m_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/yolov8_face/yolov8_face_m_widerface.py CHECKPOINT -o model.onnx
_base_ = './yolov8_face_n_widerface.py'

width = 0.75
depth = 0.67
max_channels = 768
