# YOLOv8-Face n with ReLU, as the original's code has been since 2023-04-24, WIDER FACE, 640 px.
#   train   python tools/train.py configs/yolov8_face/yolov8_face_n_relu_widerface.py train_ann_file=train/label.txt
#   test    python tools/test.py configs/yolov8_face/yolov8_face_n_relu_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/yolov8_face/yolov8_face_n_relu_widerface.py CHECKPOINT -o model.onnx
_base_ = './yolov8_face_n_widerface.py'

activation = 'relu'
