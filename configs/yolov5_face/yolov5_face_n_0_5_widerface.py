# YOLOv5-Face n-0.5, WIDER FACE, 800 px.
#   train   python tools/train.py configs/yolov5_face/yolov5_face_n_0_5_widerface.py train_ann_file=train/label.txt
#   test    python tools/test.py configs/yolov5_face/yolov5_face_n_0_5_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/yolov5_face/yolov5_face_n_0_5_widerface.py CHECKPOINT -o model.onnx
_base_ = './yolov5_face_n_widerface.py'

width = 0.5
