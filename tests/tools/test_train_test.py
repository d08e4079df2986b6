"""tools/train.py and tools/test.py from the command line to the files they leave."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from faceresearch.datasets.parsers import read_annotations
from faceresearch.evaluation.predictions import read_predictions
from faceresearch.zoo.checkpoint import read_checkpoint
from tests.engine.tiny import IMAGES, write_config, write_images
from tests.evaluation.wider_files import write_ground_truth
from tests.tools.running import error_line, run_tool

TEST_IMAGES = 4


class Run(NamedTuple):
    """A finished training."""

    config: Path
    work_dir: Path


@pytest.fixture(scope='module', autouse=True)
def one_thread() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('OMP_NUM_THREADS', '1')
        yield


@pytest.fixture(scope='module')
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp('trained')
    root = write_images(folder / 'data')
    annotations, _ = read_annotations(root / 'label.txt')
    truth = {}
    for entry in annotations:
        corners = entry.bboxes
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
        everything = list(range(len(boxes)))
        truth[Path(entry.name).with_suffix('').as_posix()] = {
            'boxes': boxes,
            'easy': everything[:1],
            'medium': everything,
            'hard': everything,
        }
    write_ground_truth(root / 'ground_truth', truth)
    config = write_config(
        folder / 'tiny.py',
        root,
        """
val_evaluator = dict(type='WiderFaceMetric', ground_truth=f'{data_root}/ground_truth')
test_evaluator = val_evaluator
""",
    )
    outcome = run_tool('train', config, 'max_epochs=8', '--work-dir', folder / 'run')
    assert outcome.status == 0, outcome.err
    return Run(config, folder / 'run')


def test_figures_of_the_best_model_are_those_of_the_training(trained: Run, tmp_path: Path) -> None:
    out = tmp_path / 'metrics.json'
    outcome = run_tool(
        'test', trained.config, trained.work_dir / 'best.safetensors', '--out', out, '--work-dir', tmp_path
    )
    assert outcome.status == 0, outcome.err
    figures = json.loads(out.read_text())
    _, about = read_checkpoint(trained.work_dir / 'best.safetensors')
    assert figures == json.loads(about['metrics'])
    assert figures['widerface/images'] == TEST_IMAGES
    assert figures['widerface/images_expected'] == IMAGES
    assert f'{figures["widerface/easy_ap"]:.4f}' in outcome.out


def test_stored_predictions_give_the_same_figures(trained: Run, tmp_path: Path) -> None:
    dump, out = tmp_path / 'predictions.npz', tmp_path / 'metrics.json'
    files = ('--dump', dump, '--out', out, '--report', tmp_path / 'report', '--work-dir', tmp_path)
    assert run_tool('test', trained.config, trained.work_dir / 'last.safetensors', *files).status == 0
    assert (tmp_path / 'report/pr_curves.png').read_bytes()[1:4] == b'PNG'
    assert len(read_predictions(dump)) == TEST_IMAGES
    again = tmp_path / 'again.json'
    outcome = run_tool('test', trained.config, '--predictions', dump, '+subset=true', '--out', again)
    assert outcome.status == 0, outcome.err
    assert json.loads(again.read_text()) == json.loads(out.read_text())


def test_benchmark_replaces_the_test_set(trained: Run, tmp_path: Path) -> None:
    benchmark = write_config(
        tmp_path / 'other.py', tmp_path, 'max_epochs = 1\ntest_dataloader["dataset"]["indices"] = 2'
    )
    out = tmp_path / 'metrics.json'
    outcome = run_tool(
        'test',
        trained.config,
        trained.work_dir / 'last.safetensors',
        *('--benchmark', benchmark, '--out', out, '--work-dir', tmp_path),
        f'test_dataloader.dataset.data_root={trained.config.parent / "data"}',
        'model.head.score_thr=0.3',
    )
    assert outcome.status == 0, outcome.err
    assert set(json.loads(out.read_text())) == {f'synthfaces/{name}_ap' for name in ('easy', 'medium', 'hard')}


def test_dumped_config_is_the_whole_config(trained: Run) -> None:
    text = (trained.work_dir / 'tiny.py').read_text()
    assert '_base_' not in text
    assert 'test_dataloader' in text
    assert 'max_epochs=8' in text


def test_resume_takes_overrides_beside_it(trained: Run, tmp_path: Path) -> None:
    outcome = run_tool('train', trained.config, '--resume', 'max_epochs=1', '--work-dir', tmp_path / 'run')
    assert outcome.status == 0, outcome.err
    assert 'training starts from the beginning' in outcome.out
    first = tmp_path / 'run/epoch_1.pth'
    arguments = ('--resume', first, 'max_epochs=2', '--work-dir', tmp_path / 'other')
    outcome = run_tool('train', trained.config, *arguments)
    assert outcome.status == 0, outcome.err
    assert f'Resumed from {first}' in outcome.out


def test_scaled_learning_rate_and_mixed_precision(trained: Run, tmp_path: Path) -> None:
    outcome = run_tool('train', trained.config, '--amp', '--auto-scale-lr', 'max_epochs=1', '--work-dir', tmp_path)
    assert outcome.status == 0, outcome.err
    # Batch size 4, where 8 was assumed.
    assert 'lr: 5.0000e-03' in outcome.out
    assert "type='AmpOptimWrapper'" in (tmp_path / 'tiny.py').read_text()


def test_sweep_passes_its_options_on(trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr('faceresearch.config.run_multirun', lambda *arguments: calls.append(arguments) or 2)
    options = ('--multirun', '--jobs', '2', 'lr=0.1,0.01', '--amp', '--work-dir', tmp_path)
    assert run_tool('train', trained.config, *options).status == 2
    tool, config, overrides, folder, jobs, passed = calls[0]
    assert (Path(tool).name, config, overrides) == ('train.py', str(trained.config), ['lr=0.1,0.01'])
    assert (folder, jobs, passed) == (tmp_path, 2, ['--amp'])


@pytest.mark.parametrize(
    ('override', 'message'),
    [
        ('lrr=0.1', "Did you mean 'lr'"),
        ('lr=fast', 'wrong type'),
        ('data_root=/nowhere', '/nowhere'),
        ('optim_wrapper.optimizer.type=SDG', "Did you mean 'SGD'"),
        ('train_dataloader.batch_size=0', 'batch_size'),
        ('max_epochs=0', 'max_epochs'),
        ('load_from=/nowhere.pth', '/nowhere.pth'),
        ('train_dataloader.sampler.type=DefaultSampler', 'EpochSampler'),
    ],
)
def test_mistakes_of_a_training(trained: Run, tmp_path: Path, override: str, message: str) -> None:
    outcome = run_tool('train', trained.config, override, '--work-dir', tmp_path)
    assert message in error_line(outcome)


def test_mistakes_of_a_test(trained: Run, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return eval, (f'open({str(tmp_path / "ran")!r}, "w")',)

    hostile = tmp_path / 'hostile.pth'
    hostile.write_bytes(pickle.dumps({'state_dict': {'a': torch.zeros(1)}, 'x': Hostile()}, protocol=2))
    best = trained.work_dir / 'best.safetensors'
    work_dir = ('--work-dir', tmp_path)
    cases: list[tuple[tuple[object, ...], str]] = [
        ((trained.config, hostile, *work_dir), 'is refused'),
        ((trained.config, best, 'model.backbone.width=0.5', *work_dir), 'another model'),
        ((trained.config, tmp_path / 'absent.pth', *work_dir), 'does not exist'),
        ((trained.config, 'retinaface_of_nobody', *work_dir), 'retinaface_of_nobody'),
        ((trained.config,), 'CHECKPOINT is missing'),
        ((trained.config, best, '--predictions', 'p.npz'), '--predictions'),
        ((trained.config, '--predictions', tmp_path / 'absent.npz'), 'absent.npz'),
        ((trained.config, best, '--benchmark', 'nothing_of_this_name', *work_dir), 'nothing_of_this_name'),
        ((trained.config, best, '--out', '/proc/nowhere/metrics.json', *work_dir), 'cannot write'),
    ]
    for arguments, message in cases:
        assert message in error_line(run_tool('test', *arguments))
    assert not (tmp_path / 'ran').exists()


def test_random_weights(trained: Run, tmp_path: Path) -> None:
    assert run_tool('test', trained.config, 'none', '--work-dir', tmp_path).status == 0
