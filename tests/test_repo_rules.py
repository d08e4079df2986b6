"""Rules every file of the project keeps: sizes, one place for dangerous calls, one name per registry entry."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


def tracked(*patterns: str) -> list[Path]:
    """Return the files git knows, also those added but not committed, that match."""
    listing = subprocess.run(
        ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z', '--', *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip('not a git checkout')
    names = sorted(set(listing.stdout.split('\0')) - {''})
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_python_file_is_longer_than_600_lines():
    lengths = {shown(path): len(path.read_text(encoding='utf-8').splitlines()) for path in tracked('*.py')}
    assert len(lengths) > 50
    assert {name: length for name, length in lengths.items() if length > 600} == {}


def test_no_function_is_longer_than_60_lines():
    too_long = [
        f'{shown(path)}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines'
        for path in tracked('faceresearch/*.py', 'tools/*.py', 'quickstart.py')
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > 60
    ]
    assert too_long == []


def test_tools_are_argument_parsers_with_one_call():
    lengths = {shown(path): len(path.read_text(encoding='utf-8').splitlines()) for path in tracked('tools/*.py')}
    assert lengths
    assert {name: length for name, length in lengths.items() if length > 120} == {}


def leaf_configs() -> list[Path]:
    return [path for path in tracked('configs/*.py') if '_base_' not in path.parts]


def test_leaf_configs_are_short_and_say_how_to_run():
    configs = leaf_configs()
    assert configs
    for path in configs:
        lines = path.read_text(encoding='utf-8').splitlines()
        assert len(lines) <= 30, f'{shown(path)}: {len(lines)} lines'
        head = []
        for line in lines:
            if not line.startswith('#'):
                break
            head.append(line)
        assert 'tools/' in '\n'.join(head), f'{shown(path)}: the opening comment shows no command that runs it'
        assert shown(path) in '\n'.join(head), f'{shown(path)}: the opening comment does not name this file'


def test_config_names_are_lower_case_words_with_the_family_first():
    for path in leaf_configs():
        assert re.fullmatch(r'[a-z0-9_]+', path.stem), shown(path)
        if path.parent.name != 'benchmarks':
            assert path.stem.startswith(path.parent.name), shown(path)


def test_no_machine_paths_or_download_hosts_are_tracked():
    # Put together from parts, so that this file passes its own test.
    words = ['/wo' + 'rk/', '/ro' + 'ot/', '/ho' + r'me/\w', '/tm' + 'p/', 'pypi' + r'\.org', 'python' + 'hosted']
    words += ['registry' + r'\.npm', 'ind' + 'ex-url', 'find-' + 'links']
    pattern = re.compile('|'.join(words))
    hits = []
    for path in tracked():
        try:
            text = path.read_text(encoding='utf-8')
        except UnicodeDecodeError:
            continue
        hits += [
            f'{shown(path)}:{n}: {line.strip()[:80]}'
            for n, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)
        ]
    assert hits == []


def test_no_large_or_generated_file_is_tracked():
    large = [shown(path) for path in tracked() if path.stat().st_size > 512 * 1024]
    weights = [shown(path) for path in tracked('*.pth', '*.pt', '*.onnx', '*.safetensors', '*.pkl', 'uv.lock')]
    assert large + weights == []


def call_nodes(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            yield ast.unparse(node.func), node


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for name, node in call_nodes(path):
        yield node.lineno, name


def test_torch_load_is_called_in_one_place_only_and_safely():
    sources = tracked('faceresearch/*.py', 'tools/*.py', 'quickstart.py')
    found = [(shown(p), node) for p in sources for name, node in call_nodes(p) if name == 'torch.load']
    assert [place for place, _ in found] == ['faceresearch/zoo/checkpoint.py']
    options = {keyword.arg: ast.unparse(keyword.value) for keyword in found[0][1].keywords}
    assert options['weights_only'] == 'True'


def test_nothing_is_unpickled_and_only_configs_are_executed():
    sources = tracked('faceresearch/*.py', 'tools/*.py', 'quickstart.py')
    found = [(shown(p), name) for p in sources for _, name in calls(p)]
    unsafe = {'pickle.load', 'pickle.loads', 'os.system', 'yaml.load', 'yaml.unsafe_load', 'joblib.load'}
    assert [(place, name) for place, name in found if name in unsafe] == []
    # Configs are Python and trusted like any script; nothing else is run as code.
    executed = [place for place, name in found if name in {'eval', 'exec'}]
    assert [place for place in executed if not place.startswith('faceresearch/config/')] == []


def test_there_are_eight_registries():
    from mmengine.registry import Registry

    import faceresearch.registry as module
    from faceresearch.engine import registries

    names = {name for name, value in vars(module).items() if isinstance(value, Registry)}
    assert names == {'MODELS', 'DATASETS', 'TRANSFORMS', 'CODECS', 'METRICS', 'HOOKS', 'OPTIMIZERS', 'VISUALIZERS'}
    # mmengine's other registries have children that only carry our scope; none holds anything.
    made = {shown(p) for p in tracked('faceresearch/*.py') for _, name in calls(p) if name.split('.')[-1] == 'Registry'}
    assert made == {'faceresearch/registry.py', 'faceresearch/engine/registries.py'}
    assert {name for name, child in registries.CHILDREN.items() if child.module_dict} == set()


def registered() -> dict[str, dict[str, type]]:
    from faceresearch import registry

    for entry in registry.ALL:
        entry.import_from_location()
    return {entry.name: dict(entry.module_dict) for entry in registry.ALL}


def test_registered_names_are_the_names_of_the_classes():
    wrong = [
        f'{registry}: {name} is {item.__qualname__}'
        for registry, modules in registered().items()
        for name, item in modules.items()
        if item.__module__.startswith('faceresearch') and item.__name__ != name
    ]
    assert wrong == []


def test_no_name_stands_in_two_registries():
    seen: dict[str, str] = {}
    for registry, modules in registered().items():
        for name, item in modules.items():
            if not item.__module__.startswith('faceresearch'):
                continue
            assert name not in seen, f'{name} is in both {seen.get(name)} and {registry}'
            seen[name] = registry
    assert len(seen) > 20


def test_every_registered_class_says_what_it_is():
    def own_text(item: Any) -> str:
        # A class would hand on its parent's.
        return (vars(item).get('__doc__') if inspect.isclass(item) else item.__doc__) or ''

    silent = [
        f'{item.__module__}.{name}'
        for modules in registered().values()
        for name, item in modules.items()
        if item.__module__.startswith('faceresearch') and not own_text(item).strip()
    ]
    assert silent == []
