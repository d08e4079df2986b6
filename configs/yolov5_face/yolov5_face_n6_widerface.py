# YOLOv5-Face n6, WIDER FACE, 832 px.
#   train   python tools/train.py configs/yolov5_face/yolov5_face_n6_widerface.py train_ann_file=train/label.txt
#   test    python tools/test.py configs/yolov5_face/yolov5_face_n6_widerface.py CHECKPOINT
#   export  python tools/export_onnx.py configs/yolov5_face/yolov5_face_n6_widerface.py CHECKPOINT -o model.onnx
_base_ = [
    '../_base_/models/yolov5_face_n6.py',
    '../_base_/datasets/widerface_yolo.py',
    '../_base_/schedules/yolov5_face.py',
    '../_base_/default_runtime.py',
]

image_size = 832
shear = 0.5
rectangle = 64
# As in the schedule: batches that make a step.
accumulate = 4
custom_hooks = [
    dict(
        type='EMAHook',
        ema_type='ExpMomentumEMA',
        momentum=1e-4,
        gamma=2000 * accumulate,
        interval=accumulate,
        update_buffers=True,
        priority='ABOVE_NORMAL',
    )
]
