"""What a user meets who runs infer, browse_dataset and export_onnx: files in, files out, clear refusals."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from torch import nn

from faceresearch.apis.benchmark import benchmark, multiply_adds
from faceresearch.apis.browse import browse_dataset, read_sample
from faceresearch.apis.infer import infer
from faceresearch.apis.media import Source, VideoReader, VideoSink, collect
from faceresearch.config import load_config
from faceresearch.errors import UserError
from faceresearch.structures import FaceDataSample

Main = Callable[[list[str]], int]
CONFIG = 'retinaface_mnet025_widerface'


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a model: two faces in the middle of every image, at scores 0.9 and 0.3."""

    def predict(model: nn.Module, images: Sequence[np.ndarray]) -> list[FaceDataSample]:
        samples = []
        for image in images:
            assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
            size = torch.tensor([image.shape[1], image.shape[0]]).float()
            box = torch.cat([size * 0.25, size * 0.75])
            sample = FaceDataSample()
            sample.pred_instances = InstanceData(
                bboxes=torch.stack([box, box / 2]),
                scores=torch.tensor([0.3, 0.9]),
                keypoints=(size * torch.tensor([[[0.4], [0.6], [0.5], [0.4], [0.6]]])).expand(2, 5, 2),
            )
            samples.append(sample)
        return samples

    monkeypatch.setattr('faceresearch.apis.model.init_model', lambda *args, **kwargs: nn.Identity())
    monkeypatch.setattr('faceresearch.apis.model.inference', predict)


def tool(repo_root: Path, name: str) -> Main:
    return runpy.run_path(str(repo_root / 'tools' / f'{name}.py'))['main']


def write(path: Path, image: np.ndarray | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if image is None:
        image = np.full((60, 80, 3), 120, np.uint8)
    assert cv2.imwrite(str(path), image)
    return path


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*') if path.is_file())


def write_video(path: Path, frames: int, size: tuple[int, int] = (64, 48)) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, size)
    for value in range(frames):
        writer.write(np.full((size[1], size[0], 3), value * 20, np.uint8))
    writer.release()


# infer


def test_folder_structure_is_kept(detector: None, tmp_path: Path) -> None:
    write(tmp_path / 'in/a/x.jpg')
    write(tmp_path / 'in/b/x.jpg')
    write(tmp_path / 'in/b/deep/y.png')
    infer(CONFIG, 'none', [str(tmp_path / 'in')], tmp_path / 'out')
    assert files_below(tmp_path / 'out') == ['a/x.jpg', 'b/deep/y.png', 'b/x.jpg']


def test_equal_names_do_not_collide(detector: None, tmp_path: Path) -> None:
    inputs = [str(write(tmp_path / folder / 'x.png')) for folder in ('a', 'b', 'c')]
    inputs.append(str(write(tmp_path / 'd/x_2.png')))
    report = infer(CONFIG, 'none', inputs, tmp_path / 'out')
    outputs = [entry['output'] for entry in report.images]
    assert len(set(outputs)) == 4 and sorted(outputs) == files_below(tmp_path / 'out')
    assert [entry['path'] for entry in report.images] == inputs


def test_json_says_what_was_found(detector: None, tmp_path: Path, repo_root: Path) -> None:
    image = write(tmp_path / 'x.png', np.full((100, 200, 3), 120, np.uint8))
    out = tmp_path / 'out'
    arguments = [CONFIG, 'none', str(image), '-o', str(out), '--json', '--score-thr', '0.25']
    assert tool(repo_root, 'infer')(arguments) == 0
    content = json.loads((out / 'detections.json').read_text())
    assert content['model'] == CONFIG and content['score_thr'] == 0.25 and content['skipped'] == []
    (entry,) = content['images']
    assert entry['path'] == str(image) and entry['output'] == 'x.png'
    assert (entry['width'], entry['height']) == (200, 100)
    assert entry['faces'][0] == {
        'box': [25.0, 12.5, 75.0, 37.5],
        'score': 0.9,
        'points': [[80.0, 40.0], [120.0, 60.0], [100.0, 50.0], [80.0, 40.0], [120.0, 60.0]],
    }
    assert entry['faces'][1]['box'] == [50.0, 25.0, 150.0, 75.0]
    assert files_below(out) == ['detections.json', 'x.png'], 'no temporary files'


def test_threshold_leaves_faces_out_of_picture_and_json(detector: None, tmp_path: Path) -> None:
    image = write(tmp_path / 'x.png', np.full((100, 200, 3), 120, np.uint8))
    report = infer(CONFIG, 'none', [str(image)], tmp_path / 'out', score_thr=0.5)
    assert [face['score'] for face in report.images[0]['faces']] == [0.9]
    drawn = cv2.imread(str(tmp_path / 'out/x.png'))
    assert (drawn[20, 25] != 120).any() and (drawn[60, 150] == 120).all()


def test_json_stays_valid_when_a_network_diverges(
    detector: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = FaceDataSample()
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor([[1.0, 2.0, 30.0, 40.0], [0.0, 0.0, torch.inf, 5.0], [1.0, 1.0, 9.0, 9.0]]),
        scores=torch.tensor([0.9, 0.8, torch.nan]),
        keypoints=torch.full((3, 5, 2), torch.nan),
    )
    monkeypatch.setattr('faceresearch.apis.model.inference', lambda model, images: [sample])
    infer(CONFIG, 'none', [str(write(tmp_path / 'x.png'))], tmp_path / 'out', write_json=True)
    text = (tmp_path / 'out/detections.json').read_text()
    assert 'NaN' not in text and 'Infinity' not in text
    (face,) = json.loads(text)['images'][0]['faces']
    assert face['box'] == [1.0, 2.0, 30.0, 40.0] and face['points'][0] == [None, None]


@pytest.mark.parametrize('kind', ['grey', 'rgba', 'sixteen_bit'])
def test_unusual_images_are_read(detector: None, tmp_path: Path, kind: str) -> None:
    image = {
        'grey': np.full((60, 80), 200, np.uint8),
        'rgba': np.full((60, 80, 4), 200, np.uint8),
        'sixteen_bit': np.full((60, 80, 3), 200 * 257, np.uint16),
    }[kind]
    infer(CONFIG, 'none', [str(write(tmp_path / 'x.png', image))], tmp_path / 'out')
    written = cv2.imread(str(tmp_path / 'out/x.png'), cv2.IMREAD_UNCHANGED)
    assert written.shape == (60, 80, 3) and written.dtype == np.uint8
    assert tuple(written[-1, -1]) == (200, 200, 200)


def test_unreadable_files_are_skipped_and_counted(
    detector: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / 'in'
    write(folder / 'good.jpg')
    whole = write(tmp_path / 'whole.jpg', np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)).read_bytes()
    (folder / 'cut.jpg').write_bytes(whole[: len(whole) // 2])
    (folder / 'empty.png').write_bytes(b'')
    (folder / 'text.png').write_text('not an image')
    (folder / 'video.mp4').write_text('not a video')
    report = infer(CONFIG, 'none', [str(folder)], tmp_path / 'out', write_json=True)
    assert len(report.images) == 1 and len(report.skipped) == 4
    message = capsys.readouterr().err
    assert '4 of 5 inputs cannot be read' in message
    assert all(name in message for name in ('cut.jpg', 'empty.png', 'text.png')) and 'video.mp4' not in message
    stored = json.loads((tmp_path / 'out/detections.json').read_text())['skipped']
    assert {Path(entry['path']).name for entry in stored} == {'cut.jpg', 'empty.png', 'text.png', 'video.mp4'}
    assert files_below(tmp_path / 'out') == ['detections.json', 'good.jpg']


def test_nothing_readable_is_an_error(detector: None, tmp_path: Path) -> None:
    (tmp_path / 'x.jpg').write_bytes(b'')
    with pytest.raises(UserError, match='1 of 1 inputs cannot be read'):
        infer(CONFIG, 'none', [str(tmp_path / 'x.jpg')], tmp_path / 'out')


def test_missing_input_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path / 'photo.jpg')
    with pytest.raises(UserError, match=r"photos\.jpg: no such file or folder\. Did you mean 'photo\.jpg'"):
        infer(CONFIG, 'none', [str(tmp_path / 'photos.jpg')], tmp_path / 'out')


def test_empty_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / 'notes.txt').write_text('no image')
    with pytest.raises(UserError, match='no images or videos'):
        infer(CONFIG, 'none', [str(tmp_path)], tmp_path / 'out')


@pytest.mark.parametrize('threshold', [-0.1, 1.5, float('nan')])
def test_impossible_threshold(tmp_path: Path, threshold: float) -> None:
    with pytest.raises(UserError, match='between 0 and 1'):
        infer(CONFIG, 'none', [str(tmp_path)], tmp_path / 'out', score_thr=threshold)


def test_inputs_are_never_overwritten(detector: None, tmp_path: Path) -> None:
    image = write(tmp_path / 'x.jpg')
    before = image.read_bytes()
    for inputs in ([str(image)], [str(tmp_path)]):
        with pytest.raises(UserError, match='would overwrite an input'):
            infer(CONFIG, 'none', inputs, tmp_path)
    assert image.read_bytes() == before


def test_results_of_an_earlier_run_are_not_inputs(tmp_path: Path) -> None:
    write(tmp_path / 'x.jpg')
    write(tmp_path / 'outputs/x.jpg')
    sources = collect([str(tmp_path)], tmp_path / 'outputs')
    assert [source.output.as_posix() for source in sources] == ['x.jpg']


def test_model_that_detects_nothing_is_named(detector: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = FaceDataSample(pred_embedding=torch.zeros(3))
    monkeypatch.setattr('faceresearch.apis.model.inference', lambda model, images: [sample])
    with pytest.raises(UserError, match='Identity predicts pred_embedding: that cannot be drawn'):
        infer(CONFIG, 'none', [str(write(tmp_path / 'x.jpg'))], tmp_path / 'out')


def test_parsed_faces_are_drawn_in_their_classes_colours(
    detector: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = torch.zeros(1, 60, 80, dtype=torch.uint8)
    mask[0, :, 40:] = 17
    sample = FaceDataSample(pred_sem_seg=PixelData(sem_seg=mask))
    model = nn.Identity()
    model.cfg = load_config('bisenet_r18_celebamaskhq_512')  # type: ignore[assignment]
    monkeypatch.setattr('faceresearch.apis.model.init_model', lambda *args, **kwargs: model)
    monkeypatch.setattr('faceresearch.apis.model.inference', lambda model, images: [sample])
    image = str(write(tmp_path / 'a/x.png'))
    report = infer(CONFIG, 'none', [image, image], tmp_path / 'out', write_json=True)
    assert report.images[0]['classes'] == {'background': 0.5, 'hair': 0.5} and report.faces == 0
    assert files_below(tmp_path / 'out') == [
        'detections.json',
        'masks/x.png.png',
        'masks/x_2.png.png',
        'x.png',
        'x_2.png',
    ]
    assert (cv2.imread(str(tmp_path / 'out/masks/x.png.png'), cv2.IMREAD_UNCHANGED) == mask[0].numpy()).all()
    drawn = cv2.imread(str(tmp_path / 'out/x.png'))
    assert (drawn[:, :40] == 120).all(), 'background stays'
    # 0.6 of grey 120, 0.4 of the class's blue.
    assert drawn[30, 60].tolist() == pytest.approx([0.6 * 120 + 0.4 * 204, 72, 72], abs=1)


def test_video_frames_are_numbered(detector: None, tmp_path: Path) -> None:
    write_video(tmp_path / 'clip.avi', 5)
    report = infer(CONFIG, 'none', [str(tmp_path / 'clip.avi')], tmp_path / 'out', write_json=True)
    video = json.loads((tmp_path / 'out/detections.json').read_text())['videos'][0]
    assert [frame['frame'] for frame in video['frames']] == [0, 1, 2, 3, 4]
    assert video['fps'] == 10 and video['output'] == 'clip.mp4'
    assert files_below(tmp_path / 'out') == ['clip.mp4', 'detections.json']
    written = list(VideoReader(Source(str(tmp_path / 'out/clip.mp4'), 'video', Path('clip'))))
    assert len(written) == 5 and written[0].shape == (48, 64, 3)
    assert report.faces == 5


def test_frames_become_pictures_where_no_video_can_be_written(
    detector: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / 'clip.avi', 3)
    monkeypatch.setattr('cv2.VideoWriter.fourcc', lambda *letters: cv2.VideoWriter_fourcc(*'none'))
    infer(CONFIG, 'none', [str(tmp_path / 'clip.avi')], tmp_path / 'out')
    assert files_below(tmp_path / 'out') == [f'clip/{number:06d}.jpg' for number in range(3)]


def test_interrupted_video_leaves_no_file(tmp_path: Path) -> None:
    def interrupted() -> None:
        with VideoSink(tmp_path / 'clip', 25) as sink:
            sink.write(np.zeros((48, 64, 3), np.uint8))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert files_below(tmp_path) == []


def test_real_network_runs_through_the_tool(tmp_path: Path, repo_root: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    arguments = [CONFIG, 'none', str(write(tmp_path / 'x.png', noise)), '-o', str(tmp_path / 'out'), '--json']
    assert tool(repo_root, 'infer')([*arguments, '--score-thr', '0', '+model.head.max_per_img=7']) == 0
    (entry,) = json.loads((tmp_path / 'out/detections.json').read_text())['images']
    assert len(entry['faces']) == 7
    assert all(len(face['points']) == 5 for face in entry['faces'])


def test_full_disk_is_not_taken_for_a_broken_image(
    detector: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, image: np.ndarray) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('faceresearch.apis.infer.write_image', fail)
    with pytest.raises(OSError, match='No space left'):
        infer(CONFIG, 'none', [str(write(tmp_path / 'x.jpg'))], tmp_path / 'out')


@pytest.mark.parametrize('device', ['nonsense', 'cuda:99', 'meta:x'])
def test_absent_device_is_named(detector: None, tmp_path: Path, device: str) -> None:
    with pytest.raises(UserError, match=f'--device {device}: not available here'):
        infer(CONFIG, 'none', [str(write(tmp_path / 'x.jpg'))], tmp_path / 'out', device=device)


# benchmark


def test_multiply_adds_of_a_convolution() -> None:
    """Rows x columns x output channels x kernel x input channels per group."""
    plain, depthwise = nn.Conv2d(8, 16, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=8)
    images = torch.zeros(1, 8, 20, 30)
    assert multiply_adds(plain, images) == 20 * 30 * 16 * 9 * 8
    assert multiply_adds(depthwise, images) == 20 * 30 * 8 * 9


def test_a_backend_that_fails_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Small(nn.Module):
        output_names = ('out',)

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, inputs: torch.Tensor, mode: str) -> tuple[torch.Tensor]:
            return (self.conv(inputs),)

    def no_compiler(network: nn.Module) -> nn.Module:
        raise RuntimeError('no C++ compiler found')

    monkeypatch.setattr('faceresearch.apis.model.init_model', lambda *args, **kwargs: Small().eval())
    monkeypatch.setattr('torch.compile', no_compiler)
    torch_row, compile_row = benchmark(
        CONFIG, size=(8, 16), batch=2, runs=3, backends=('torch', 'compile'), device='cpu'
    )
    assert len(torch_row.milliseconds) == 3 and min(torch_row.milliseconds) > 0
    assert compile_row.milliseconds == () and 'no C++ compiler found' in compile_row.note
    out = capsys.readouterr().out
    assert '8 parameters' in out and 'no C++ compiler' in out


def test_benchmark_refuses_nonsense() -> None:
    with pytest.raises(UserError, match="unknown back end 'tensorrt'"):
        benchmark(CONFIG, backends=('tensorrt',))
    with pytest.raises(UserError, match='at least 1'):
        benchmark(CONFIG, batch=0)


# browse_dataset


@pytest.fixture
def wider(tmp_path: Path) -> Path:
    """A config over a WIDER FACE tree of three images; the last face of each is to be ignored (invalid)."""
    root = tmp_path / 'data'
    lines = []
    for number in range(3):
        name = f'0--Parade/{number}.png'
        write(root / 'images' / name, np.full((120, 160, 3), 60 * number + 40, np.uint8))
        lines += [name, '2', f'{10 + number} 20 40 50 0 0 0 0 0 0', '100 30 20 30 0 0 0 1 0 0']
    (root / 'boxes.txt').write_text('\n'.join(lines) + '\n')
    pipeline = "[dict(type='LoadImage'), dict(type='RandomFlip', prob=1.0), dict(type='PackFaceInputs')]"
    config = tmp_path / 'toy.py'
    config.write_text(
        "default_scope = 'faceresearch'\n"
        f'data_root = {str(root)!r}\n'
        "train_dataloader = dict(dataset=dict(type='WiderFaceDataset', data_root=data_root, ann_file='boxes.txt',\n"
        f"    img_dir='images', pipeline={pipeline}))\n"
    )
    return config


def test_original_is_as_read_and_transformed_as_trained(wider: Path) -> None:
    from faceresearch.apis.browse import build_dataset

    dataset = build_dataset(wider, (), 'train')
    original, packed = read_sample(dataset, 0)
    assert original is not None
    np.testing.assert_allclose(original['gt_bboxes'][0], [10, 20, 50, 70])
    sample = packed['data_samples']
    np.testing.assert_allclose(sample.gt_instances.bboxes[0], [160 - 50, 20, 160 - 10, 70])
    assert len(sample.ignored_instances) == 1
    again = read_sample(dataset, 0)[1]['data_samples']
    np.testing.assert_array_equal(sample.gt_instances.bboxes, again.gt_instances.bboxes)


def test_sheets_show_pairs_with_boxes(wider: Path, tmp_path: Path, repo_root: Path) -> None:
    out = tmp_path / 'sheets'
    assert tool(repo_root, 'browse_dataset')([str(wider), '-o', str(out), '--count', '2', '--mode', 'compare']) == 0
    assert files_below(out) == ['train_compare_000.jpg']
    sheet = cv2.imread(str(out / 'train_compare_000.jpg')).astype(int)
    cyan = (sheet[..., 0] - sheet[..., 2]) > 100
    cells = [cyan[:, i * 406 + 6 : (i + 1) * 406] for i in range(4)]
    assert all(cell.any() for cell in cells), 'a box in each of two originals and two transformed images'
    left, mirrored = (np.flatnonzero(cell.any(0)).mean() for cell in cells[:2])
    assert left < 150 and mirrored > 250


@pytest.fixture
def hrnet_faces(tmp_path: Path) -> Iterator[Path]:
    """A config of mmpose's data set, transforms and packing over one drawn face."""
    from faceresearch.compat.scope import set_scope

    root = tmp_path / 'anime'
    write(root / 'images/face.png', np.full((200, 160, 3), 90, np.uint8))
    points = np.array([[60 + 2 * i, 80 + 3 * (i % 7), 2] for i in range(28)])
    face = {'id': 1, 'image_id': 1, 'category_id': 1, 'iscrowd': 0, 'area': 4800, 'num_keypoints': 28}
    face |= {'bbox': [55, 70, 60, 80], 'keypoints': points.ravel().tolist()}
    image = {'id': 1, 'file_name': 'face.png', 'height': 200, 'width': 160}
    content = {'images': [image], 'annotations': [face], 'categories': [{'id': 1, 'name': 'face'}]}
    (root / 'annotations').mkdir()
    (root / 'annotations/train.json').write_text(json.dumps(content))
    config = tmp_path / 'hrnet.py'
    config.write_text(
        f"_base_ = 'faceresearch::hrnetv2/hrnetv2_w18_anime28.py'\ndata_root = {str(root)!r}\n"
        'codec = dict(input_size=(192, 256), heatmap_size=(48, 64))\n'
    )
    yield config
    set_scope({'default_scope': 'faceresearch'})


def test_points_that_mmpose_cropped_are_shown_on_the_crop(hrnet_faces: Path, tmp_path: Path) -> None:
    from faceresearch.apis.browse import build_dataset

    dataset = build_dataset(hrnet_faces, ['model.test_cfg.flip_test=false'], 'train')
    kept: dict[str, Any] = {}
    steps = dataset.pipeline.transforms
    steps.insert(len(steps) - 1, lambda results: kept.update(results) or results)
    turned = False
    for _ in range(4):
        original, packed = read_sample(dataset, 0)
        face = packed['data_samples'].gt_instances
        # mmpose's own warp of the points, for the targets of training.
        np.testing.assert_allclose(face.keypoints, kept['transformed_keypoints'], atol=1e-2)
        turned |= bool(np.ravel(kept['bbox_rotation'])[0])
        inside = (face.keypoints[0] - face.bboxes[0, :2]).min() >= -0.01
        assert inside and (face.bboxes[0, 2:] - face.keypoints[0]).min() >= -0.01
        assert original is not None
        np.testing.assert_allclose(original['bbox'], [[55, 70, 115, 150]])
    assert turned
    sheet = cv2.imread(str(browse_dataset(hrnet_faces, (), tmp_path / 'sheets', count=1)[0])).astype(int)
    cyan = (sheet[..., 0] - sheet[..., 2]) > 100
    assert all(cyan[:, i * 406 + 6 : (i + 1) * 406].any() for i in range(2)), 'a box before and after the crop'


def test_ignored_faces_are_grey_and_dashed(wider: Path, tmp_path: Path) -> None:
    path = browse_dataset(wider, (), tmp_path / 'sheets', count=1, mode='original')[0]
    sheet = cv2.imread(str(path)).astype(int)
    scale = 400 / 160
    top = (6 + (400 - 300) // 2) + round(30 * scale)
    line = sheet[top - 1 : top + 2, 6 + round(100 * scale) : 6 + round(120 * scale)]
    grey = (abs(line - 170).max(2) < 40).any(0)
    assert 0.3 < grey.mean() < 0.95


def test_wrong_split_and_count_are_named(wider: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='has no val_dataloader; use --split train'):
        browse_dataset(wider, (), tmp_path / 'sheets', split='val')
    with pytest.raises(UserError, match='at least one sample'):
        browse_dataset(wider, (), tmp_path / 'sheets', count=0)


# command lines


@pytest.mark.parametrize('name', ['export_onnx', 'infer', 'browse_dataset', 'benchmark'])
def test_help_has_an_example(repo_root: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        tool(repo_root, name)(['--help'])
    assert caught.value.code == 0
    assert f'tools/{name}.py' in capsys.readouterr().out


def test_export_needs_a_target(repo_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        tool(repo_root, 'export_onnx')([CONFIG, 'none'])
    assert caught.value.code == 2
    assert '-o' in capsys.readouterr().err
