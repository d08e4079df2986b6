"""Weights are read from every usual form, written whole, and nothing a file contains is ever run."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from faceresearch.errors import UserError
from faceresearch.zoo.checkpoint import load_weights, read_checkpoint, read_training_checkpoint, save_weights


@pytest.fixture
def weights() -> dict[str, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    return dict(model.state_dict())


def make_model() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(first[name].equal(second[name]) for name in first)


def prefixed(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in state.items()}


class TestReading:
    @pytest.mark.parametrize(
        'wrap',
        [
            lambda w: w,
            lambda w: OrderedDict(w),
            lambda w: {'state_dict': w, 'epoch': 3, 'optimizer': {'state': {0: {'momentum_buffer': torch.ones(3)}}}},
            lambda w: {'model': w, 'best': 0.5},
            lambda w: {'model': {'state_dict': w}},
            lambda w: prefixed(w, 'module.'),
            lambda w: {'state_dict': prefixed(w, 'module._orig_mod.')},
            lambda w: {'state_dict': prefixed(w, '_orig_mod.module.')},
            lambda w: {'generator': w, 'args': {'lr': 0.1}},
        ],
        ids=['bare', 'ordered', 'state_dict', 'model', 'nested', 'parallel', 'compiled', 'both', 'other name'],
    )
    @pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])
    def test_every_usual_form(self, wrap: Callable, zipped: bool, weights: dict[str, Tensor], tmp_path: Path) -> None:
        path = tmp_path / 'weights.pth.tar'
        torch.save(wrap(weights), path, _use_new_zipfile_serialization=zipped)
        assert same(read_checkpoint(path)[0], weights)

    def test_plain_entries_are_kept(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        path = tmp_path / 'weights.pth'
        torch.save({'state_dict': weights, 'epoch': 3, 'arch': 'tiny', 'meta': {'iter': 9}, 'history': [1]}, path)
        assert read_checkpoint(path)[1] == {'epoch': 3, 'arch': 'tiny', 'meta': {'iter': 9}}

    def test_a_layer_called_model_is_not_a_container(self, tmp_path: Path) -> None:
        path = tmp_path / 'weights.pth'
        torch.save({'model.weight': torch.ones(2), 'module.bias': torch.ones(1)}, path)
        assert list(read_checkpoint(path)[0]) == ['model.weight', 'module.bias']

    def test_averaged_weights_are_preferred(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        average = {name: value + 1 for name, value in weights.items()}
        path = tmp_path / 'weights.pth'
        torch.save({'state_dict': weights, 'state_dict_ema': prefixed(average, 'module.')}, path)
        assert same(read_checkpoint(path)[0], average)
        assert same(read_checkpoint(path, ema=False)[0], weights)

    def test_mmengine_stores_the_average_as_state_dict(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        average = {name: value + 1 for name, value in weights.items()}
        path = tmp_path / 'epoch_1.pth'
        raw = {'steps': torch.tensor(4), **prefixed(weights, 'module.')}
        torch.save({'meta': {}, 'message_hub': {}, 'state_dict': average, 'ema_state_dict': raw}, path)
        assert same(read_checkpoint(path)[0], average)
        assert same(read_checkpoint(path, ema=False)[0], weights)

    def test_one_of_several_networks(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        path = tmp_path / 'two.pth'
        torch.save({'backbone': weights, 'auxiliary': {'x': torch.ones(1)}, 'epoch': 1}, path)
        with pytest.raises(UserError, match="several networks \\('backbone', 'auxiliary'\\)"):
            read_checkpoint(path)
        assert same(read_checkpoint(path, part='backbone')[0], weights)
        with pytest.raises(UserError, match="no state dict 'head'"):
            read_checkpoint(path, part='head')

    def test_published_files(self, shared_dir: Path) -> None:
        folder = shared_dir / 'weights'
        state, _ = read_checkpoint(folder / 'retinaface' / 'mobilenet0.25_Final.pth')
        assert len(state) == 300
        backbone, said = read_checkpoint(folder / 'retinaface' / 'mobilenetV1X0.25_pretrain.tar')
        assert 'stage1.0.0.weight' in backbone
        assert said['epoch'] == 18
        assert len(read_checkpoint(folder / 'yolov5_face' / 'yolov5n-0.5_state_dict.pth')[0]) == 500


class Hostile:
    """Runs a command when it is unpickled the ordinary way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f'touch {self.path}',)


class TestRefusing:
    @pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])
    def test_a_hostile_file_is_not_run_and_its_global_named(self, zipped: bool, weights: dict, tmp_path: Path) -> None:
        path, trace = tmp_path / 'weights.pth', tmp_path / 'it_ran'
        torch.save({'state_dict': weights, 'x': Hostile(trace)}, path, _use_new_zipfile_serialization=zipped)
        with pytest.raises(UserError, match=rf'{os.system.__module__}\.system') as caught:
            read_checkpoint(path)
        assert '\n' not in str(caught.value)
        assert 'state_dict' in str(caught.value)  # says what to do
        assert not trace.exists()

    def test_a_hostile_builtin_is_named(self, tmp_path: Path) -> None:
        path, trace = tmp_path / 'weights.pth', tmp_path / 'it_ran'

        class Evaluated:
            def __reduce__(self) -> tuple[Any, tuple[str]]:
                return eval, (f'open({str(trace)!r}, "w")',)

        path.write_bytes(pickle.dumps({'x': Evaluated()}, protocol=2))
        with pytest.raises(UserError, match='it would call eval, and'):
            read_checkpoint(path)
        assert not trace.exists()

    def test_a_whole_model_is_refused_by_the_name_of_its_class(self, tmp_path: Path) -> None:
        path = tmp_path / 'model.pt'
        torch.save(make_model(), path)
        with pytest.raises(UserError, match=r'torch\.nn\.modules\.container\.Sequential'):
            read_checkpoint(path)

    def test_pickled_log_buffers_of_mmengine_are_refused(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        from mmengine.logging import HistoryBuffer

        path = tmp_path / 'epoch_1.pth'
        torch.save({'state_dict': weights, 'message_hub': {'loss': HistoryBuffer([1.0], [1])}}, path)
        with pytest.raises(UserError, match=r'HistoryBuffer|getattr'):
            read_checkpoint(path)

    def test_a_file_that_repeats_few_values_over_much_memory(self, tmp_path: Path) -> None:
        path = tmp_path / 'wide.pth'
        torch.save({'weight': torch.ones(1).expand(1 << 40)}, path)
        with pytest.raises(UserError, match=r'weight claims 4398046511104 bytes'):
            read_checkpoint(path)

    def test_an_archive_that_unpacks_to_far_more(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        plain, bomb = tmp_path / 'plain.pth', tmp_path / 'bomb.pth'
        torch.save({'weight': torch.zeros(5_000_000)}, plain)
        with zipfile.ZipFile(plain) as source, zipfile.ZipFile(bomb, 'w', zipfile.ZIP_DEFLATED) as target:
            for member in source.infolist():
                target.writestr(member.filename, source.read(member.filename))
        assert bomb.stat().st_size < 100_000
        with pytest.raises(UserError, match='would unpack to 200'):
            read_checkpoint(bomb)

    @pytest.mark.parametrize('length', [1 << 62, 99_000_000, 10_000])
    def test_a_safetensors_header_longer_than_the_file(self, length: int, tmp_path: Path) -> None:
        path = tmp_path / 'weights.safetensors'
        path.write_bytes(struct.pack('<Q', length) + b'{"a":{}}')
        with pytest.raises(UserError, match=f'claims a header of {length}'):
            read_checkpoint(path)

    def test_safetensors_whose_tensors_reach_past_the_end(self, tmp_path: Path) -> None:
        header = b'{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}'
        path = tmp_path / 'weights.safetensors'
        path.write_bytes(struct.pack('<Q', len(header)) + header + bytes(16))
        with pytest.raises(UserError, match='damaged or incomplete'):
            read_checkpoint(path)

    @pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
    @pytest.mark.parametrize('share', [0.0, 0.02, 0.5, 0.98])
    @pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])
    def test_cut_short(self, suffix: str, share: float, zipped: bool, weights: dict, tmp_path: Path) -> None:
        path = tmp_path / f'weights{suffix}'
        if suffix == '.pth':
            torch.save({'state_dict': weights}, path, _use_new_zipfile_serialization=zipped)
        else:
            save_weights(path, weights, {})
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(UserError, match='fetch or copy it again') as caught:
            read_checkpoint(path)
        assert '\n' not in str(caught.value)

    @pytest.mark.parametrize(
        ('name', 'content', 'message'),
        [
            ('noise.pth', bytes(range(256)) * 8, 'damaged'),
            ('noise.safetensors', bytes(range(256)) * 8, 'damaged'),
            ('pickle.pth', pickle.dumps({'a': [1, 2]}), 'damaged'),
            ('page.pth', b'\n<!DOCTYPE html><html>Sign in</html>', 'web page'),
            ('lfs.pth', b'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', 'git lfs pull'),
            ('old.pth', b'\0' * 257 + b'ustar' + b'\0' * 600, 'unpack'),
            ('model.onnx', b'\x08\x07\x12', 'convert_checkpoint'),
            ('keras.h5', b'\x89HDF\r\n\x1a\n', 'convert_checkpoint'),
        ],
    )
    def test_other_files(self, name: str, content: bytes, message: str, tmp_path: Path) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UserError, match=message) as caught:
            read_checkpoint(path)
        assert name in str(caught.value)
        assert '\n' not in str(caught.value)

    def test_a_program(self, tmp_path: Path) -> None:
        path = tmp_path / 'script.pt'
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('script/constants.pkl', b'\x80\x02).')
            archive.writestr('script/data.pkl', b'\x80\x02).')
        with pytest.raises(UserError, match='TorchScript'):
            read_checkpoint(path)

    def test_no_weights_inside(self, tmp_path: Path) -> None:
        path = tmp_path / 'log.pth'
        torch.save({'epoch': 3, 'loss': [0.1]}, path)
        with pytest.raises(UserError, match="no weights: its entries are 'epoch', 'loss'"):
            read_checkpoint(path)
        torch.save([torch.ones(1)], path)
        with pytest.raises(UserError, match='it is a list'):
            read_checkpoint(path)

    def test_absent_and_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match='does not exist'):
            read_checkpoint(tmp_path / 'none.pth')
        with pytest.raises(UserError, match='is a folder'):
            read_checkpoint(tmp_path)


class TestLoading:
    def test_all_fits(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        path = tmp_path / 'weights.safetensors'
        save_weights(path, weights, {})
        model = make_model()
        report = load_weights(model, path)
        assert report.complete
        assert len(report.loaded) == len(weights)
        assert same(dict(model.state_dict()), weights)

    def test_another_model_is_one_clear_line(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        weights['2.weight'] = torch.zeros(3, 4, 1, 1)
        del weights['0.bias']
        weights['extra.weight'] = torch.zeros(1)
        path = tmp_path / 'weights.safetensors'
        save_weights(path, weights, {})
        model = make_model()
        with pytest.raises(UserError, match='another model than Sequential') as caught:
            load_weights(model, path)
        line = str(caught.value)
        assert '\n' not in line
        assert '1 missing from the file: 0.bias' in line
        assert '1 not in the model: extra.weight' in line
        assert '2.weight: (3, 4, 1, 1) / (2, 4, 1, 1)' in line

    def test_not_strict_loads_what_fits(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        expected = weights['0.weight'].clone()
        weights['2.weight'] = torch.zeros(3, 4, 1, 1)
        path = tmp_path / 'weights.safetensors'
        save_weights(path, weights, {})
        model = make_model()
        report = load_weights(model, path, strict=False)
        assert not report.complete
        assert '2.weight' not in report.loaded
        assert model.state_dict()['0.weight'].equal(expected)

    def test_nothing_in_common_is_an_error_even_so(self, tmp_path: Path) -> None:
        path = tmp_path / 'weights.safetensors'
        save_weights(path, {'a': torch.ones(1)}, {})
        with pytest.raises(UserError, match='0 tensors fit'):
            load_weights(make_model(), path, strict=False)

    def test_files_without_batch_counters(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        """torch before 0.4.1 had none."""
        path = tmp_path / 'weights.pth'
        torch.save({k: v for k, v in weights.items() if not k.endswith('num_batches_tracked')}, path)
        model = make_model()
        load_weights(model, path)
        assert model.state_dict()['1.running_mean'].equal(weights['1.running_mean'])

    def test_a_module_that_renames_old_keys_may_do_so(self, tmp_path: Path) -> None:
        class Renamed(nn.Linear):
            def _load_from_state_dict(self, state: dict, prefix: str, *args: Any, **kwargs: Any) -> None:
                state[prefix + 'weight'] = state.pop(prefix + 'kernel')
                super()._load_from_state_dict(state, prefix, *args, **kwargs)

        path = tmp_path / 'old.pth'
        torch.save({'kernel': torch.full((1, 1), 7.0), 'bias': torch.zeros(1)}, path)
        model = Renamed(1, 1)
        load_weights(model, path)
        assert model.weight.item() == 7.0


class TestWriting:
    def test_round_trip_with_metadata(self, weights: dict[str, Tensor], tmp_path: Path) -> None:
        path = tmp_path / 'new' / 'weights.safetensors'
        save_weights(path, weights, {'config': 'model = 1\n', 'sha': 'ä'})
        state, metadata = read_checkpoint(path)
        assert same(state, weights)
        assert metadata == {'config': 'model = 1\n', 'sha': 'ä'}
        with safe_open(path, framework='pt') as file:
            assert set(file.keys()) == set(weights)
        assert [p.name for p in path.parent.iterdir()] == ['weights.safetensors']

    def test_shared_and_strided_tensors(self, tmp_path: Path) -> None:
        path = tmp_path / 'weights.safetensors'
        tied = torch.arange(6.0).reshape(2, 3)
        save_weights(path, {'a': tied, 'b': tied, 'c': tied.t()}, {})
        state, _ = read_checkpoint(path)
        assert state['a'].equal(tied)
        assert state['b'].equal(tied)
        assert state['c'].equal(tied.t())

    def test_what_cannot_be_stored_leaves_the_old_file(self, tmp_path: Path) -> None:
        path = tmp_path / 'weights.safetensors'
        save_weights(path, {'a': torch.ones(1)}, {})
        before = path.read_bytes()
        with pytest.raises(TypeError, match="'epoch'"):
            save_weights(path, {'a': torch.ones(1)}, {'epoch': 3})  # type: ignore[dict-item]
        with pytest.raises(TypeError, match="'b'"):
            save_weights(path, {'a': torch.ones(1), 'b': 2}, {})  # type: ignore[dict-item]
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ['weights.safetensors']


def test_a_training_checkpoint_is_returned_whole(weights: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / 'epoch_1.pth'
    torch.save({'state_dict': weights, 'optimizer': {'state': {0: {'step': 3}}}, 'meta': {'epoch': 1}}, path)
    content = read_training_checkpoint(path)
    assert content['optimizer'] == {'state': {0: {'step': 3}}}
    assert content['meta'] == {'epoch': 1}


def test_weights_written_to_a_buffer_by_torch_are_the_same(weights: dict[str, Tensor], tmp_path: Path) -> None:
    """A file named .safetensors may be torch's: what it holds counts, not its name."""
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    path = tmp_path / 'weights.safetensors'
    path.write_bytes(buffer.getvalue())
    assert same(read_checkpoint(path)[0], weights)
