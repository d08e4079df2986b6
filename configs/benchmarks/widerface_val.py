# WIDER FACE validation set, official protocol; a model brings its own preprocessing.
#   a model  python tools/test.py CONFIG CHECKPOINT --benchmark configs/benchmarks/widerface_val.py
#   a file   python tools/test.py configs/benchmarks/widerface_val.py --predictions P.npz
#            add subset=true to pass over images that the file lacks
# Needs ground_truth/*.mat of the official eval_tools in data_root; for a model, WIDER_val and wider_face_split too.
_base_ = '../_base_/datasets/widerface_val.py'

default_scope = 'faceresearch'
benchmark = dict(task='detection', data='WIDER FACE val', protocol='official eval_tools', images=3226)
