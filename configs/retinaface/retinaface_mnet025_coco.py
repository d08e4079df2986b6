# RetinaFace, MobileNetV1 x0.25, your own faces in COCO's form (docs/data.md), 640 px.
#   train   python tools/train.py configs/retinaface/retinaface_mnet025_coco.py data_root=MINE
#           train_ann_file=train.json val_ann_file=val.json train_img_dir=images val_img_dir=images
#   start from published weights: add load_from=retinaface_mnet025.safetensors max_epochs=20 milestones=[14,18]
#   test    python tools/test.py configs/retinaface/retinaface_mnet025_coco.py CHECKPOINT data_root=MINE
_base_ = [
    '../_base_/models/retinaface_mnet025.py',
    '../_base_/datasets/coco_face.py',
    '../_base_/schedules/retinaface.py',
    '../_base_/default_runtime.py',
]
