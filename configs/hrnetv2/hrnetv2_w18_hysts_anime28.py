# HRNetV2-W18, 28 points, as hysts/anime-face-detector runs its published weights: mirrored too, and around a detector's
# box grown by 1.1 (and then by the usual 1.25). A detector and these points together:
#   python tools/infer.py configs/hrnetv2/hrnetv2_w18_hysts_anime28.py CHECKPOINT INPUT --detector configs/yolov3/yolov3_d53_blackpad_anime.py CHECKPOINT
_base_ = './hrnetv2_w18_anime28.py'

flip_test = True
contract = dict(detected_box_scale=1.1)
