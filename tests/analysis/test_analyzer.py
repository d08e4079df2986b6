"""One detector and several models: what each is shown, and what the record of a face holds."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from faceresearch.apis import Face, FaceAnalyzer, inference, init_model
from faceresearch.config import load_config
from faceresearch.datasets.landmark_metainfo import landmark_scheme
from faceresearch.errors import UserError
from faceresearch.transforms.alignment import align_face
from tests.analysis.doubles import Detector, points_of, recogniser
from tests.tools.running import error_line, run_tool

BOXES = np.array([[10, 20, 50, 60], [60, 10, 100, 50], [5, 5, 6, 6], [30, 30, 70, 70]], np.float32)
SCORES = np.array([0.6, 0.9, 0.95, 0.3], np.float32)


@pytest.fixture
def image() -> np.ndarray:
    small = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    return cv2.resize(small, (120, 80))


@pytest.fixture(scope='module')
def embedder() -> nn.Module:
    return recogniser()


def detector(**settings: object) -> Detector:
    return Detector(BOXES, SCORES, **settings)  # type: ignore[arg-type]


def test_a_recogniser_sees_faces_aligned_to_its_template(image: np.ndarray, embedder: nn.Module) -> None:
    faces = FaceAnalyzer(detector(), [embedder]).analyze(image)
    assert [face.score for face in faces] == pytest.approx([0.9, 0.6])  # not the speck, not the weak one
    for face, box in zip(faces, BOXES[[1, 0]], strict=True):
        np.testing.assert_array_equal(face.box, box)
        points = points_of(box[None])[0]
        np.testing.assert_allclose(face.points, points)
        crop = align_face(image, points, 112)
        expected = inference(embedder, crop)[0].pred_embedding.numpy()
        np.testing.assert_allclose(face.embedding, expected, atol=1e-5)


def test_faces_of_several_images_are_computed_together(image: np.ndarray, embedder: nn.Module) -> None:
    images = [image, image[:, ::-1].copy(), image]
    finds = detector()
    analyzer = FaceAnalyzer(finds, [embedder], batch_size=16)
    batches = []
    preprocessor: nn.Module = embedder.data_preprocessor  # type: ignore[assignment]
    hook = preprocessor.register_forward_hook(lambda *args: batches.append(len(args[1][0]['inputs'])))
    try:
        together = analyzer.analyze(images)
    finally:
        hook.remove()
    assert finds.batches == [3] and batches == [6]
    for each, alone in zip(together, images, strict=True):
        for a, b in zip(each, analyzer.analyze(alone), strict=True):
            np.testing.assert_allclose(a.embedding, b.embedding, atol=1e-5)


def test_boxes_alone_are_refused_for_a_recogniser_that_aligns(image: np.ndarray, embedder: nn.Module) -> None:
    with pytest.raises(UserError, match='mobileface_foamliu_ms1m needs faces aligned by five points'):
        FaceAnalyzer(detector(points=False), [embedder]).analyze(image)


def test_points_of_a_landmark_model_align_where_the_detector_has_none(image: np.ndarray, embedder: nn.Module) -> None:
    torch.manual_seed(0)
    landmarker = init_model('landmark106_pfld_lite_lapa')
    faces = FaceAnalyzer(detector(points=False), [embedder, landmarker]).analyze(image)
    for face in faces:
        assert face.points is None and face.landmarks is not None and face.landmarks.shape == (106, 2)
        crop = align_face(image, landmark_scheme('insightface106').five_points(face.landmarks), 112)
        np.testing.assert_allclose(face.embedding, inference(embedder, crop)[0].pred_embedding, atol=1e-4)


def test_points_that_are_no_face_cost_that_face_alone(image: np.ndarray, embedder: nn.Module) -> None:
    finds = detector()
    faces = FaceAnalyzer(finds, [embedder]).finder([image])[0]
    assert faces[0].points is not None
    faces[0].points[:] = 7.0
    FaceAnalyzer(finds, [embedder]).stages[0]([image, image], faces)
    assert faces[0].embedding is None and 'lie in 1 place' in faces[0].notes['mobileface_foamliu_ms1m']
    assert faces[1].embedding is not None
    with pytest.raises(UserError, match='has no embedding: the 5 points'):
        faces[0].similarity(faces[1])


def test_unwarped_crops_for_those_who_want_them(image: np.ndarray) -> None:
    torch.manual_seed(0)
    model = init_model('deepid_celebfaces_55x47')
    (face,) = FaceAnalyzer(detector(points=False), [model], score_thr=0.7).analyze(image)
    crop = cv2.resize(image[10:50, 60:100], (47, 55))
    np.testing.assert_allclose(face.embedding, inference(model, crop)[0].pred_embedding, atol=1e-5)


def test_an_alignment_that_is_not_known_is_refused() -> None:
    model = recogniser('contract.alignment=mine')
    with pytest.raises(UserError, match=r"contract\.alignment is 'mine'.*arcface 112x112"):
        FaceAnalyzer(detector(), [model])


def test_without_a_detector_an_image_is_an_aligned_face(image: np.ndarray, embedder: nn.Module) -> None:
    crop = cv2.resize(image, (112, 112))
    (face,) = FaceAnalyzer(None, [embedder]).analyze(crop)
    np.testing.assert_array_equal(face.box, [0, 0, 112, 112])
    np.testing.assert_allclose(face.embedding, inference(embedder, crop)[0].pred_embedding, atol=1e-5)


def test_black_borders_are_tried_until_a_face_is_found(image: np.ndarray) -> None:
    shy = detector(blind=130)
    assert FaceAnalyzer(shy).analyze(image) == []
    faces = FaceAnalyzer(shy, pads=(0, 0.25)).analyze(image)  # 30 pixels on every side: 140 rows
    np.testing.assert_allclose([face.box for face in faces], BOXES[[0]] - 30 if len(faces) == 1 else BOXES[[1, 0]] - 30)


def test_attributes_carry_their_labels_and_liveness(image: np.ndarray) -> None:
    torch.manual_seed(0)
    spoof = init_model('minifasnet_v2_celebaspoof_80')
    ages = init_model('age_gender_r18_utkface_64')
    (face,) = FaceAnalyzer(detector(), [spoof, ages], score_thr=0.7).analyze(image)
    found = inference(spoof, image, boxes=[BOXES[1]])[0].pred_attributes
    assert face.attributes['spoof']['label'] == ('print', 'real', 'replay')[int(found.spoof)]
    assert face.liveness == pytest.approx(float(found.spoof_scores[1]), abs=1e-5)
    assert face.live is (int(found.spoof) == 1)
    assert isinstance(face.attributes['age'], float) and face.attributes['gender']['label'] in ('Male', 'Female')
    # The second model crops nothing by itself: it is shown the box, not the whole image.
    part = inference(ages, image[10:50, 60:100])[0].pred_attributes
    assert face.attributes['age'] == pytest.approx(float(part.age), abs=2e-3)


def test_masks_are_of_the_box(image: np.ndarray) -> None:
    torch.manual_seed(0)
    parser = init_model(load_config('bisenet_r18_celebamaskhq_512', ['test_size=64']))
    (face,) = FaceAnalyzer(detector(), [parser], score_thr=0.7).analyze(image)
    assert face.mask_region == (60, 10, 100, 50) and face.mask is not None and face.mask.shape == (40, 40)
    assert sum(face.to_dict()['classes'].values()) == pytest.approx(1, abs=1e-3)


def test_records_are_json(image: np.ndarray, embedder: nn.Module) -> None:
    faces = FaceAnalyzer(detector(), {'mine': embedder}).analyze(image)
    values = json.loads(json.dumps([face.to_dict() for face in faces], allow_nan=False))
    assert set(values[0]) == {'box', 'score', 'points', 'embedding'}
    np.testing.assert_allclose(values[0]['embedding'], faces[0].embedding, rtol=1e-6)
    assert 'embedding' not in faces[0].to_dict(embedding=False)


def test_two_models_cannot_say_the_same(image: np.ndarray, embedder: nn.Module) -> None:
    with pytest.raises(UserError, match='both give an embedding'):
        FaceAnalyzer(detector(), {'a': embedder, 'b': recogniser()})
    spoof = init_model('minifasnet_v2_celebaspoof_80')
    with pytest.raises(UserError, match='another model gives spoof'):
        FaceAnalyzer(detector(), [spoof, init_model('minifasnet_v1se_celebaspoof_80')]).analyze(image)


def test_forms_of_images(image: np.ndarray, tmp_path: Path, embedder: nn.Module) -> None:
    analyzer = FaceAnalyzer(detector(), [embedder], score_thr=0.7)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    alpha = np.dstack([image, np.full(image.shape[:2], 9, np.uint8)])
    rgb = torch.from_numpy(image[..., ::-1].transpose(2, 0, 1).copy())
    forms = [image, str(tmp_path / 'a.png'), tmp_path / 'a.png', alpha, rgb]
    embeddings = [faces[0].embedding for faces in analyzer.analyze(forms)]
    np.testing.assert_allclose(embeddings, np.broadcast_to(embeddings[0], (5, 128)), atol=1e-5)
    grey = image[..., 0]
    a, b, c = analyzer.analyze([grey, grey[..., None], torch.from_numpy(grey[None].copy())])
    (d,) = analyzer.analyze(np.dstack([grey] * 3))
    for faces in (a, b, c):
        np.testing.assert_allclose(faces[0].embedding, d.embedding, atol=1e-5)
    assert len(analyzer.analyze(torch.stack([rgb, rgb]))) == 2  # a batch is several images
    assert analyzer.analyze([]) == []


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (np.zeros((8, 8, 3), np.float32), 'image 0: values are float32; needed is uint8'),
        (torch.zeros(3, 8, 8), 'values are float32'),
        (np.zeros((8, 8, 2), np.uint8), r'shape \(8, 8, 2\)'),
        (np.zeros((0, 8, 3), np.uint8), r'shape \(0, 8, 3\)'),
        ('nowhere.jpg', 'nowhere.jpg'),
    ],
)
def test_what_is_no_image_is_refused(wrong: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        FaceAnalyzer(detector()).analyze([wrong])  # type: ignore[list-item]


def test_settings_are_checked() -> None:
    for settings in ({'score_thr': 2.0}, {'pads': ()}, {'max_faces': -1}, {'batch_size': 0}):
        with pytest.raises(UserError):
            FaceAnalyzer(detector(), **settings)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r'give a model as \(CONFIG, CHECKPOINT\)'):
        FaceAnalyzer('retinaface_mnet025_widerface')  # type: ignore[arg-type]
    with pytest.raises(UserError, match='--device tpu9'):
        FaceAnalyzer(('retinaface_mnet025_widerface', None), device='tpu9')


def test_the_largest_faces_are_kept(image: np.ndarray) -> None:
    finds = Detector(np.array([[0, 0, 30, 30], [40, 10, 80, 70]], np.float32), np.array([0.9, 0.8], np.float32))
    (face,) = FaceAnalyzer(finds, max_faces=1).analyze(image)
    np.testing.assert_array_equal(face.box, [40, 10, 80, 70])


def test_the_smallest_images_and_faces_at_the_border(embedder: nn.Module) -> None:
    torch.manual_seed(0)
    models = [embedder, init_model('minifasnet_v2_celebaspoof_80'), init_model('landmark106_pfld_lite_lapa')]
    edge = Detector(np.array([[-30, -30, 20, 20], [90, 60, 200, 150]], np.float32), np.array([0.9, 0.8], np.float32))
    faces = FaceAnalyzer(edge, models).analyze(np.zeros((80, 120, 3), np.uint8))
    assert len(faces) == 2 and all(isinstance(face, Face) and face.live is not None for face in faces)
    real = init_model('retinaface_mnet025_widerface')
    assert len(FaceAnalyzer(real, models, score_thr=0.99).analyze(np.zeros((1, 1, 3), np.uint8))) >= 0


def test_several_models_from_the_command_line(image: np.ndarray, tmp_path: Path) -> None:
    """The first model is the detector where none is named; random weights find faces everywhere."""
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    models = ['--with', 'mobileface_foamliu_ms1m', 'none', '--with', 'minifasnet_v2_celebaspoof_80', 'none']
    command = ['retinaface_mnet025_widerface', 'none', tmp_path / 'a.png', '--json', '--score-thr', '0.1', 'seed=1']
    limit = 'model.head.max_per_img=3'
    done = run_tool('infer', *command, *models, f'++{limit}', '-o', tmp_path / 'out')
    assert done.status == 0, done.err
    faces = json.loads((tmp_path / 'out/detections.json').read_text())['images'][0]['faces']
    assert 1 <= len(faces) <= 3 and (tmp_path / 'out/a.png').is_file()
    for face in faces:
        assert len(face['points']) == 5 and len(face['embedding']) == 128
        assert set(face['attributes']) == {'spoof'} and isinstance(face['live'], bool)
    wrong = run_tool('infer', 'mobileface_foamliu_ms1m', 'none', tmp_path / 'a.png', *models[3:], '-o', tmp_path / 'x')
    assert 'FaceRecognizer does not detect faces: it cannot come first' in error_line(wrong)
