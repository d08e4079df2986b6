# The two published MiniFASNets together, V2 at 2.7 and V1SE at 4.0 times the face's box, on folders of live and fake faces.
#   test    python tools/test.py configs/minifasnet/minifasnet_v2_v1se_liveness.py V2+V1SE data_root=FOLDER --out metrics.json
#   V2+V1SE: a checkpoint of each network, joined by a plus sign
_base_ = ['../_base_/datasets/spoof_folders.py', '../_base_/default_runtime.py']

folders = dict(fake='print')
scales = [2.7, 4.0]
image_size = 80
head = dict(spoof=dict(type='ClassHead', labels=_base_.spoof_labels, bias=False))
model = dict(
    type='FusedAttributes',
    data_preprocessor=dict(type='FaceDataPreprocessor', mean=(0.0,) * 6, std=(1.0,) * 6),
    members=[
        dict(type='AttributeModel', backbone=dict(type='MiniFASNet', version=2), heads=head),
        dict(type='AttributeModel', backbone=dict(type='MiniFASNet', version=1, excite=True), heads=head),
    ],
)
train_dataloader = None
val_dataloader = dict(dataset=dict(part='all'))
test_dataloader = val_dataloader
test_cfg = dict(type='TestLoop')
contract = dict(
    size=(image_size, image_size),
    licences=dict(code='Apache-2.0', weights='Apache-2.0', data='private'),
    intended_use='research on face anti-spoofing',
)
