# Your own faces in COCO's form: boxes, and five key points where you have them. RetinaFace's augmentation.
# tools/convert_dataset.py makes the two files from other forms; docs/data.md tells what is in them.
_base_ = './widerface.py'

data_root = 'data/faces'
train_ann_file = 'annotations/train.json'
train_img_dir = 'images'
val_ann_file = 'annotations/val.json'
val_img_dir = 'images'
# Names of the categories that are faces; None: 'face', or the only one in the file.
categories = None

train_dataloader = dict(dataset=dict(type='CocoFaceDataset', categories=categories))
val_dataloader = dict(
    dataset=dict(type='CocoFaceDataset', ann_file=val_ann_file, img_dir=val_img_dir, categories=categories)
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='FaceCocoMetric'), dict(type='MatchedLandmarkNME')]
test_evaluator = val_evaluator
