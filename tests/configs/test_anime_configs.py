"""The printed anime configs work, ours contain every printed value, and the printed customisations reach everything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from faceresearch.compat.scope import infer_scope, set_scope
from faceresearch.config import load_config
from faceresearch.datasets.landmark_metainfo import LANDMARKS
from faceresearch.engine.dataloader import build_dataloader
from faceresearch.registry import MODELS

OURS = {
    'hrnetv2': 'configs/hrnetv2/hrnetv2_w18_anime28.py',
    'yolov3': 'configs/yolov3/yolov3_d53_anime.py',
    'faster_rcnn': 'configs/faster_rcnn/faster_rcnn_r50_anime.py',
}
TINY = {
    'hrnetv2': ['codec.input_size=[64,64]', 'codec.heatmap_size=[16,16]'],
    'yolov3': ['image_size=96'],
    'faster_rcnn': ['image_scale=[96,64]'],
}


@pytest.fixture(autouse=True)
def scope_of_others() -> Iterator[None]:
    """Leave mmengine's current scope as it was."""
    yield
    set_scope({'default_scope': 'faceresearch'})


@pytest.fixture(scope='module')
def printed(shared_dir: Path) -> dict[str, str]:
    """The document's Python blocks, by what they show."""
    text = (shared_dir / 'documents' / 'anime_face_models.md').read_text(encoding='utf-8')
    blocks = re.findall(r'```python\n(.*?)```', text, flags=re.DOTALL)

    def block(*words: str) -> str:
        found = [b for b in blocks if all(word in b for word in words)]
        assert len(found) == 1, words
        return found[0]

    return {
        'yolov3': block("type='YOLOV3'"),
        'yolov3_pipeline': block('scale=(608, 608)'),
        'faster_rcnn': block("type='FasterRCNN'"),
        'hrnetv2': block("type='TopdownPoseEstimator'"),
        'flip_indices': block('4, 3, 2, 1, 0'),
        'dataset_info': block("dataset_name='anime_face'"),
        'hrnetv2_pipeline': block('input_size=(256, 256)),', 'LoadImage'),
        'yolov3_custom': block('yolov3_custom.py', '_base_'),
        'hrnetv2_custom': block('hrnetv2_custom.py', '_base_'),
    }


def as_config(text: str, folder: Path, name: str = 'printed.py') -> Config:
    path = folder / name
    path.write_text(text, encoding='utf-8')
    return load_config(path)


def ours(family: str, repo_root: Path, *overrides: str) -> Config:
    return load_config(repo_root / OURS[family], overrides)


def assert_contains(whole: Any, part: Any, where: str) -> None:
    """Every value of ``part`` stands at the same place in ``whole``, which may have more keys."""
    if isinstance(part, dict):
        for key, value in part.items():
            assert key in whole, f'{where}.{key} is missing'
            assert_contains(whole[key], value, f'{where}.{key}')
    elif isinstance(part, list | tuple):
        assert len(whole) == len(part), where
        for index, value in enumerate(part):
            assert_contains(whole[index], value, f'{where}.{index}')
    else:
        assert whole == part, f'{where}: {whole!r} is not {part!r}'


def parameters(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def build(config: Config) -> torch.nn.Module:
    set_scope(config)
    torch.manual_seed(0)
    return MODELS.build(config.model)


class TestAsPrinted:
    def test_hrnet_builds_computes_a_loss_and_predicts(self, printed: dict[str, str], tmp_path: Path) -> None:
        config = as_config(printed['hrnetv2'], tmp_path)
        assert 'default_scope' not in config
        assert infer_scope(config) == 'mmpose'
        model = build(config)
        assert parameters(model) == 9_643_558  # counted from the layers' shapes
        batch = {'inputs': [torch.randint(0, 255, (3, 256, 256), dtype=torch.uint8)], 'data_samples': [pose_sample()]}
        losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
        assert losses['loss_kpt'].isfinite()
        assert losses['loss_kpt'] > 0
        model.eval()
        with torch.no_grad():
            (sample,) = model(**model.data_preprocessor(batch), mode='predict')
        assert sample.pred_instances.keypoints.shape == (1, 28, 2)
        assert np.isfinite(sample.pred_instances.keypoint_scores).all()

    def test_yolov3_builds_and_predicts(self, printed: dict[str, str], tmp_path: Path) -> None:
        from mmdet.structures import DetDataSample

        config = as_config(printed['yolov3'], tmp_path)
        assert infer_scope(config) == 'mmdet'
        model = build(config)
        assert parameters(model) == 61_523_734
        model.init_weights()
        model.eval()
        sample = DetDataSample(metainfo={'img_shape': (64, 96), 'ori_shape': (128, 192), 'scale_factor': (0.5, 0.5)})
        image = torch.randint(0, 255, (3, 64, 96), dtype=torch.uint8)
        batch = model.data_preprocessor({'inputs': [image], 'data_samples': [sample]})
        assert batch['inputs'].max() <= 1
        with torch.no_grad():
            (result,) = model(**batch, mode='predict')
        found = result.pred_instances
        assert found.bboxes.shape == (len(found.scores), 4)
        assert len(found.scores) <= 100
        assert (found.labels == 0).all()

    def test_faster_rcnn_is_a_fragment_of_an_mmdet_model(self, printed: dict[str, str], tmp_path: Path) -> None:
        assert infer_scope(as_config(printed['faster_rcnn'], tmp_path)) == 'mmdet'

    def test_both_predict_through_the_projects_own_functions(self, printed: dict[str, str], tmp_path: Path) -> None:
        """The printed model with the printed test pipeline, on an array of any size."""
        from faceresearch.apis.model import inference, init_model

        image = np.random.default_rng(0).integers(0, 255, (50, 70, 3), dtype=np.uint8)
        for family in ('hrnetv2', 'yolov3'):
            text = printed[family] + printed[f'{family}_pipeline']
            text += '\ntest_dataloader = dict(dataset=dict(pipeline=test_pipeline))'
            model = init_model(as_config(text.replace('608', '96'), tmp_path))
            (sample,) = inference(model, image)
            assert sample.ori_shape == (50, 70)
            if family == 'hrnetv2':
                assert sample.pred_instances.keypoints.shape == (1, 28, 2)


def pose_sample() -> Any:
    from mmengine.structures import InstanceData, PixelData
    from mmpose.structures import PoseDataSample

    heatmaps = torch.zeros(28, 64, 64)
    heatmaps[torch.arange(28), torch.arange(28), torch.arange(28) + 20] = 1
    sample = PoseDataSample(
        metainfo={
            'input_size': (256, 256),
            'input_center': np.array([128.0, 128.0]),
            'input_scale': np.array([256.0, 256.0]),
            'img_shape': (256, 256),
        }
    )
    sample.gt_instances = InstanceData(
        bboxes=np.array([[0.0, 0, 256, 256]]),
        bbox_centers=np.array([[128.0, 128.0]]),
        bbox_scales=np.array([[256.0, 256.0]]),
        bbox_scores=np.ones(1),
    )
    sample.gt_fields = PixelData(heatmaps=heatmaps)
    sample.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, 28))
    return sample


class TestEveryPrintedValueStands:
    @pytest.mark.parametrize(
        ('family', 'parts', 'names'),
        [
            ('hrnetv2', ['hrnetv2'], {'codec', 'model'}),
            ('hrnetv2', ['hrnetv2_pipeline'], {'test_pipeline'}),
            ('hrnetv2', ['flip_indices', 'dataset_info'], {'flip_indices', 'dataset_info'}),
            ('yolov3', ['yolov3'], {'model'}),
            ('yolov3', ['yolov3_pipeline'], {'test_pipeline'}),
            ('faster_rcnn', ['faster_rcnn'], {'model'}),
        ],
    )
    def test_in_ours(
        self, family: str, parts: list[str], names: set[str], printed: dict[str, str], repo_root: Path, tmp_path: Path
    ) -> None:
        shown = as_config('\n'.join(printed[part] for part in parts), tmp_path)
        assert set(shown) == names
        config = ours(family, repo_root)
        for name in names:
            assert_contains(config[name], shown[name], name)

    def test_and_is_what_ours_use(self, repo_root: Path) -> None:
        for family in OURS:
            config = ours(family, repo_root)
            assert config.val_dataloader.dataset.pipeline == config.test_pipeline
            assert config.test_dataloader.dataset.pipeline == config.test_pipeline
            assert config.train_dataloader.dataset.pipeline == config.train_pipeline
        config = ours('hrnetv2', repo_root)
        assert config.model.head.decoder == config.codec
        assert config.train_dataloader.dataset.metainfo == config.dataset_info
        assert config.test_dataloader.dataset.metainfo == config.dataset_info

    def test_parameters(self, repo_root: Path) -> None:
        assert parameters(build(ours('faster_rcnn', repo_root))) == 41_348_181
        assert parameters(build(ours('hrnetv2', repo_root))) == 9_643_558


class TestTwentyEightPoints:
    def test_mirroring_twice_changes_nothing(self, repo_root: Path) -> None:
        flip = ours('hrnetv2', repo_root).flip_indices
        assert sorted(flip) == list(range(28))
        assert [flip[mirror] for mirror in flip] == list(range(28))

    def test_it_is_the_schemes(self, repo_root: Path) -> None:
        config = ours('hrnetv2', repo_root)
        assert tuple(config.flip_indices) == LANDMARKS['anime28'].flip_indices
        assert [i for i, mirror in enumerate(config.flip_indices) if mirror == i] == [2, 23, 25, 27]

    def test_mmpose_reads_the_same_mirror_from_the_points(self, repo_root: Path) -> None:
        """mmpose takes it from each point's ``swap``, not from ``flip_indices``."""
        from mmpose.datasets.datasets.utils import parse_pose_metainfo

        config = ours('hrnetv2', repo_root)
        parsed = parse_pose_metainfo(config.dataset_info.to_dict())
        assert parsed['flip_indices'] == config.flip_indices
        assert parsed['num_keypoints'] == 28
        np.testing.assert_allclose(parsed['sigmas'], 0.025)


class TestCustomisation:
    """Child files as the document prints them, with our config as their base."""

    def child(self, family: str, printed: dict[str, str], repo_root: Path, folder: Path) -> Config:
        text = re.sub(r"_base_ = '.*'", f'_base_ = {str(repo_root / OURS[family])!r}', printed[f'{family}_custom'])
        return as_config(text, folder, f'{family}_custom.py')

    def test_yolov3(self, printed: dict[str, str], repo_root: Path, tmp_path: Path) -> None:
        config, before = self.child('yolov3', printed, repo_root, tmp_path), ours('yolov3', repo_root)
        for loader in (config.val_dataloader, config.test_dataloader):
            assert [loader.dataset.pipeline[i].get('scale') for i in (0, 1, 2, 3)] == [None, (416, 416), None, None]
            assert loader.dataset.pipeline[2].size == (416, 416)
        assert config.model.test_cfg == {**before.model.test_cfg, 'score_thr': 0.3}
        assert config.train_dataloader == before.train_dataloader

    def test_hrnet(self, printed: dict[str, str], repo_root: Path, tmp_path: Path) -> None:
        config = self.child('hrnetv2', printed, repo_root, tmp_path)
        size = {'input_size': (384, 384), 'heatmap_size': (96, 96), 'sigma': 3}
        assert_contains(config.codec, size, 'codec')
        assert_contains(config.model.head.decoder, size, 'decoder')
        train = {step.type: step for step in config.train_dataloader.dataset.pipeline}
        assert_contains(train['GenerateTarget'].encoder, size, 'encoder')
        for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
            (warp,) = [step for step in loader.dataset.pipeline if step.type == 'TopdownAffine']
            assert warp.input_size == (384, 384)
        assert config.contract['size'] == (384, 384)
        model = build(config)
        assert model.head.decoder.input_size == (384, 384)
        assert model.head.decoder.sigma == 3

    def test_from_the_command_line(self, repo_root: Path) -> None:
        config = ours('hrnetv2', repo_root, 'codec.input_size=[384,384]', 'data_root=elsewhere', 'pretrained=x.pth')
        assert list(config.model.head.decoder.input_size) == [384, 384]
        assert list(config.test_dataloader.dataset.pipeline[2].input_size) == [384, 384]
        assert config.train_dataloader.dataset.data_root == 'elsewhere'
        assert config.model.backbone.init_cfg == {'type': 'Pretrained', 'checkpoint': 'x.pth'}
        config = ours('yolov3', repo_root, 'image_size=416', 'data_root=elsewhere')
        assert config.test_dataloader.dataset.pipeline[1].scale == (416, 416)
        assert config.train_pipeline[4].scale == [(218, 218), (416, 416)]
        assert config.val_evaluator.metric.ann_file == 'elsewhere/annotations/val.json'


@pytest.fixture(scope='module')
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the layout of data/anime: three noisy images, each with one pale face and 28 points."""
    root = tmp_path_factory.mktemp('anime')
    (root / 'images').mkdir()
    (root / 'annotations').mkdir()
    rng = np.random.default_rng(0)
    content: dict[str, Any] = {'images': [], 'annotations': [], 'categories': [{'id': 1, 'name': 'face'}]}
    for number in range(1, 4):
        image = rng.integers(0, 90, (80, 120, 3), dtype=np.uint8)
        cv2.circle(image, (60, 40), 25, (200, 220, 250), -1)
        cv2.imwrite(str(root / 'images' / f'{number}.png'), image)
        points = np.column_stack([rng.uniform(40, 80, 28), rng.uniform(20, 60, 28), np.full(28, 2)])
        content['images'].append({'id': number, 'file_name': f'{number}.png', 'width': 120, 'height': 80})
        content['annotations'].append(
            {
                'id': number,
                'image_id': number,
                'category_id': 1,
                'bbox': [35, 15, 50, 50],
                'area': 2500,
                'iscrowd': 0,
                'keypoints': points.reshape(-1).tolist(),
                'num_keypoints': 28,
            }
        )
    for split in ('train', 'val'):
        (root / 'annotations' / f'{split}.json').write_text(json.dumps(content))
    return root


LANDMARK_FIGURES = ('nme', 'nme_per_face', 'fr@0.08', 'auc@0.08', 'fr@0.1', 'auc@0.1', 'pck@0.1', 'faces')


class TestOurs:
    @pytest.mark.parametrize(
        ('family', 'metrics'),
        [
            ('hrnetv2', {f'landmark/{figure}' for figure in LANDMARK_FIGURES}),
            ('yolov3', {'coco/bbox_map', 'coco/bbox_map_50', 'coco/bbox_map_75'}),
            ('faster_rcnn', {'coco/bbox_map', 'coco/bbox_map_50', 'coco/bbox_map_75'}),
        ],
    )
    def test_trains_a_step_and_is_judged(self, family: str, metrics: set[str], faces: Path, repo_root: Path) -> None:
        shared = [f'data_root={faces}', 'batch_size=2', 'num_workers=0']
        config = ours(family, repo_root, *shared, *TINY[family])
        model = build(config)
        assert DefaultScope.get_current_instance().scope_name == config.default_scope
        model.init_weights()
        before = {name: value.clone() for name, value in model.named_parameters() if value.requires_grad}
        optimiser = build_optim_wrapper(model, config.optim_wrapper)
        model.train()
        batch = next(iter(build_dataloader(config.train_dataloader, seed=0)))
        losses = model.train_step(batch, optimiser)
        assert losses['loss'].isfinite()
        assert losses['loss'] > 0
        moved = {name for name, value in model.named_parameters() if name in before and not value.equal(before[name])}
        assert {name.split('.')[0] for name in moved} == {name.split('.')[0] for name in before}  # every part learns

        model.eval()
        loader = build_dataloader(config.val_dataloader, seed=0)
        evaluator = Evaluator(config.val_evaluator)
        evaluator.dataset_meta = loader.dataset.metainfo
        with torch.no_grad():
            for batch in loader:
                evaluator.process(model.test_step(batch), batch)
        figures = evaluator.evaluate(len(loader.dataset))
        assert figures.keys() == metrics
        assert all(np.isfinite(value) for value in figures.values())
        if family == 'hrnetv2':  # untrained: some pixels off, but in the picture
            assert 0.01 < figures['landmark/nme'] < 10

    def test_images_are_padded_as_each_yolov3_config_says(self, faces: Path, repo_root: Path) -> None:
        """Printed: grey to a square. The original: black to a multiple of 32."""
        grey = ours('yolov3', repo_root, f'data_root={faces}', 'num_workers=0')
        black_config = repo_root / 'configs' / 'yolov3' / 'yolov3_d53_blackpad_anime.py'
        black = load_config(black_config, [f'data_root={faces}', 'num_workers=0'])
        images = []
        for config in (grey, black):
            set_scope(config)
            batch = next(iter(build_dataloader(config.test_dataloader, seed=0)))
            images.append(MODELS.build(config.model.data_preprocessor)(batch)['inputs'][0])
        # 120 x 80 becomes 608 x 405.
        assert images[0].shape == (3, 608, 608)
        assert images[1].shape == (3, 416, 608)
        assert (images[0][:, 405:] == 114 / 255).all()
        assert (images[1][:, 405:] == 0).all()
        assert images[0][:, :405].equal(images[1][:, :405])
