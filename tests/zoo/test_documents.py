"""Each model that the user's documents name has a config that works and a row in the index, or a row that says why not."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faceresearch.apis.model import inference, init_model
from faceresearch.config import configs_folder, find_config, load_config
from faceresearch.zoo.index import read_external, read_index

#: model_zoo.md: title of a table → name in its first column → our model.
MODEL_ZOO = {
    'RetinaFace Family': {
        'MNET_025': 'retinaface_mnet025_widerface',
        'MNET_050': 'retinaface_mnet050_widerface',
        'MNET_V1': 'retinaface_mnetv1_widerface',
        'MNET_V2': 'retinaface_mnetv2_widerface',
        'RESNET18': 'retinaface_r18_widerface',
        'RESNET34': 'retinaface_r34_widerface',
    },
    'SCRFD Family': {
        'SCRFD_500M_KPS': 'scrfd_500m_kps_widerface',
        'SCRFD_10G_KPS': 'scrfd_10g_kps_widerface',
    },
    'YOLOv5-Face Family': {
        'YOLOV5N': 'yolov5_face_n_widerface',
        'YOLOV5S': 'yolov5_face_s_widerface',
        'YOLOV5M': 'yolov5_face_m_widerface',
    },
    'YOLOv8-Face Family': {
        'YOLOV8_LITE_S': 'yolov8_face_lite_s_widerface',
        'YOLOV8N': 'yolov8_face_n_widerface',
    },
    'AdaFace': {'IR_18': 'adaface_ir18_webface4m', 'IR_101': 'adaface_ir101_webface12m'},
    'ArcFace': {'MNET': 'arcface_mbf_webface600k', 'RESNET': 'arcface_r50_webface600k'},
    'MobileFace': {
        'MNET_025': 'mobileface_mnet025_ms1mv2',
        'MNET_V2': 'mobileface_mnetv2_ms1mv2',
        'MNET_V3_SMALL': 'mobileface_mnetv3s_ms1mv2',
        'MNET_V3_LARGE': 'mobileface_mnetv3l_ms1mv2',
    },
    'SphereFace': {'SPHERE20': 'sphereface_sphere20_ms1mv2', 'SPHERE36': 'sphereface_sphere36_ms1mv2'},
    '106-Point Landmark Detection': {'2D106': 'landmark106_mnet050_lapa_192'},
    'Age & Gender Detection': {'AgeGender': 'age_gender_genderage_utkface_96'},
    'FairFace Attributes': {'FairFace': 'fairface_r34_fairface'},
    'Emotion Detection': {
        'AFFECNET7': 'emotion_ddamfn_affectnet7_112',
        'AFFECNET8': 'emotion_ddamfn_affectnet8_112',
    },
    'MobileGaze Family': {
        'RESNET18': 'gaze_r18_gaze360',
        'RESNET34': 'gaze_r34_gaze360',
        'RESNET50': 'gaze_r50_gaze360',
        'MOBILENET_V2': 'gaze_mobilenet_v2_gaze360',
        'MOBILEONE_S0': 'gaze_mobileone_s0_gaze360',
    },
    'BiSeNet Family': {'RESNET18': 'bisenet_r18_celebamaskhq_512', 'RESNET34': 'bisenet_r34_celebamaskhq_512'},
    'XSeg': {'DEFAULT': 'xseg_dfl_celebamaskhq_256'},
    'MiniFASNet Family': {'V1SE': 'minifasnet_v1se_celebaspoof_80', 'V2': 'minifasnet_v2_celebaspoof_80'},
}
#: anime_face_models.md.
ANIME = {'YOLOv3': 'yolov3_d53_anime', 'Faster R-CNN': 'faster_rcnn_r50_anime', 'HRNetV2': 'hrnetv2_w18_anime28'}
#: deepface_components.md, and the networks behind its clients.
DEEPFACE = {
    'VGG-Face': 'vggface_vgg16_vggface_224',
    'FaceNet-128': 'facenet_128_msceleb_160',
    'FaceNet-512': 'facenet_512_vggface2_160',
    'OpenFace': 'openface_nn4small2_casia_facescrub_96',
    'DeepID': 'deepid_celebfaces_55x47',
    'ArcFace': 'arcface_r34_deepface',
    'Age': 'demography_vgg16_age_utkface_224',
    'Gender': 'demography_vgg16_gender_utkface_224',
    'Race': 'demography_vgg16_race_fairface_224',
    'Emotion': 'emotion_deepface_fer2013_48',
    'MiniFASNetV2': 'minifasnet_v2_celebaspoof_80',
    'MiniFASNetV1SE': 'minifasnet_v1se_celebaspoof_80',
    'Yolo': 'yolov8_face_n_widerface',
}
EXTERNAL = ('CenterFace', 'Dlib', 'MediaPipe', 'OpenCV')
ROWS = {
    **{f'{table}: {name}': model for table, rows in MODEL_ZOO.items() for name, model in rows.items()},
    **{f'anime: {name}': model for name, model in ANIME.items()},
    **{f'deepface: {name}': model for name, model in DEEPFACE.items()},
}


@pytest.mark.parametrize('row', ROWS)
def test_row_has_a_config_and_stands_in_the_index(row: str) -> None:
    name = ROWS[row]
    entry = read_index()[name]
    assert find_config(name).name == f'{name}.py'
    assert entry.evidence in range(5) and entry.parameters
    assert load_config(name).contract


@pytest.mark.slow
@pytest.mark.parametrize('name', sorted(set(ROWS.values())))
def test_model_predicts_on_an_image(name: str) -> None:
    cfg = load_config(name)
    size = (cfg.get('contract') or {}).get('size')
    # Detectors and parsers take any size; a small one is quicker.
    height, width = size if isinstance(size, list | tuple) and len(size) == 2 else (160, 192)
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    (sample,) = inference(init_model(cfg), image)
    said = [key for key in sample.all_keys() if key.startswith('pred_')]
    assert said


def tables(text: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the title of each section of model_zoo.md that lists models, and the names in its first column."""
    for title, section in re.findall(r'^### (.+?)\n(.*?)(?=^##|\Z)', text, re.M | re.S):
        names = set(re.findall(r'^\| `([^`]+)`', section, re.M))
        if names:
            yield title.strip(), names


def test_no_row_of_the_model_zoo_is_forgotten(shared_dir: Path) -> None:
    text = (shared_dir / 'documents/model_zoo.md').read_text(encoding='utf-8')
    assert dict(tables(text)) == {table: set(rows) for table, rows in MODEL_ZOO.items()}


def test_no_anime_model_is_forgotten(shared_dir: Path) -> None:
    text = (shared_dir / 'documents/anime_face_models.md').read_text(encoding='utf-8')
    table = re.search(r'^\| Model \| Task .*?\n\n', text, re.M | re.S)
    assert table
    assert re.findall(r'^\| ([\w -]+?) \|', table[0], re.M)[1:] == list(ANIME)


def test_no_client_of_deepface_is_forgotten(shared_dir: Path) -> None:
    text = (shared_dir / 'documents/deepface_components.md').read_text(encoding='utf-8')
    named = set(re.findall(r'models\.(?:face_detection|demography)\.\w+\.(\w+)Client`', text))
    detectors, demography = {'CenterFace', 'Dlib', 'MediaPipe', 'OpenCv', 'YoloDetector'}, {'Emotion', 'Gender', 'Race'}
    assert named == detectors | demography | {'ApparentAge'}
    assert set(re.findall(r'FasNetBackbone\.(\w+)`', text)) == {'MiniFASNetV2', 'MiniFASNetV1SE'}
    recognition = set(re.findall(r'models\.facial_recognition\.(\w+)\.', text))
    assert recognition <= {'ArcFace', 'Facenet', 'VGGFace'}


def test_models_of_other_toolkits_say_why_they_are_not_here() -> None:
    external = {model.name: model for model in read_external()}
    assert set(external) == set(EXTERNAL)
    index = read_index()
    for model in external.values():
        assert model.reason and model.origin and model.nearest in index, model.name


def test_every_family_is_exported_by_one_of_the_walks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / 'benchmarks/acceptance')
    walks = ('detectors_export', 'recognition_export', 'dense_export', 'attributes_export')
    walked = [family for walk in walks for family in importlib.import_module(walk).FAMILIES]
    # Exported whole, image to detections, by tests/export/test_mmdet_export.py.
    walked.append('faster_rcnn')
    assert sorted(walked) == sorted(path.parent.name for path in configs_folder().glob('*/metafile.yml'))
