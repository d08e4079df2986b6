# YOLOv5-Face l6, WIDER FACE, 832 px.
#   train   python tools/train.py configs/yolov5_face/yolov5_face_l6_widerface.py train_ann_file=train/label.txt
#   test    python tools/test.py configs/yolov5_face/yolov5_face_l6_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/yolov5_face/yolov5_face_l6_widerface.py CHECKPOINT -o model.onnx
_base_ = './yolov5_face_s6_widerface.py'

depth = 1.0
width = 1.0
