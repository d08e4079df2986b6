# Two small sets of faces with 68 points: dlib's examples (imglab XML) and stills of YouTube Faces (a table of points). Half of
# the people of the second are for tests: the sets share no person. A joined data set is the form for any several.
_base_ = './landmark_crops.py'

data_root = 'data/landmarks'
# Parts of the sorted names of its people; they must not overlap.
trained_people = (0.0, 0.5)
judged_people = (0.5, 1.0)
# How often an epoch goes through the training faces.
repeat = 10

dlib = dict(type='DlibXmlDataset', data_root=f'{data_root}/dlib_faces', box='points')
stills = dict(
    type='PointsCsvDataset',
    data_root=f'{data_root}/ytf68',
    ann_file='keypoints.csv',
    img_dir='images',
    groups=r'(.+)_\d+$',
)
train_dataloader = dict(
    dataset=dict(
        type='JoinedLandmarks',
        datasets=[
            dict(ann_file='training_with_face_landmarks.xml', **dlib),
            dict(ann_file='testing_with_face_landmarks.xml', **dlib),
            dict(share=trained_people, **stills),
        ],
        repeat=[repeat, repeat, repeat],
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(dataset=dict(share=judged_people, test_mode=True, pipeline=_base_.test_pipeline, **stills))
test_dataloader = dict(dataset=val_dataloader['dataset'])
