"""Sweeps: Hydra's job list, and runs that are independent of one another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from faceresearch.config import expand_sweeps, run_multirun
from faceresearch.config.overrides import parse_override
from faceresearch.config.sweep import plan_jobs
from faceresearch.errors import UserError

Write = Callable[[str, str], Path]

SWEEPS = [
    ['a=1'],
    ['a=1,2', 'b=x'],
    ['a=1,2', '+b.c=x,y,z', '++d=null,true'],
    ['lr=choice(0.1,1e-3)', 'n=range(1,4)', 'k=3'],
    ['n=range(0,1,0.25)', 's="a,b"', 'm=[1,2],[3]', 'd={x:1},{x:2}'],
    ['n=sort(3,1,2,reverse=true)', "q='a, b','c'"],
    ['a=1,2', 'a=3,4'],
    ['~gone', 'a=1,2'],
]


@pytest.mark.parametrize('overrides', SWEEPS)
def test_the_jobs_are_those_of_hydras_basic_sweeper(overrides: list[str]) -> None:
    """Compared as parsed values, since Hydra writes quotes and deletions its own way."""
    parser = OverridesParser.create()
    (wanted,) = BasicSweeper.split_arguments(parser.parse_overrides(overrides), max_batch_size=None)

    def meaning(job: list[str]) -> list[tuple[str, object]]:
        return [(p.key, None if p.kind.name == 'DELETE' else p.value) for p in map(parse_override, job)]

    assert [meaning(job) for job in expand_sweeps(overrides)] == [meaning(job) for job in wanted]


def test_the_last_key_varies_fastest() -> None:
    assert expand_sweeps(['a=1,2', 'b=3,4']) == [['a=1', 'b=3'], ['a=1', 'b=4'], ['a=2', 'b=3'], ['a=2', 'b=4']]
    assert expand_sweeps([]) == [[]]


@pytest.mark.parametrize(
    ('text', 'message'),
    [('lr=interval(0,1)', 'interval'), ('lr=glob(*)', 'glob'), ('lr=range(3,3)', 'empty'), ('lr', 'cannot be read')],
)
def test_what_cannot_be_enumerated_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        expand_sweeps([text])


def test_folders_are_named_after_what_varies() -> None:
    names = [job.name for job in plan_jobs(['optim.lr=0.1,0.01', 'seed=3', '+model.name="a/b c",d'])]
    assert names == ['0_lr=0.1,name=_a_b_c', '1_lr=0.1,name=d', '2_lr=0.01,name=_a_b_c', '3_lr=0.01,name=d']
    assert [job.name for job in plan_jobs(['a.x=1,2', 'b.x=3'])] == ['0_x=1', '1_x=2']
    assert plan_jobs(['a.x=1,2', 'b.x=3,4'])[0].name == '0_a.x=1,b.x=3'
    assert [job.name for job in plan_jobs(['seed=3'])] == ['0']


TOOL = """
    import json, os, pathlib, sys
    folder = pathlib.Path(sys.argv[sys.argv.index('--work-dir') + 1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'argv.json').write_text(json.dumps([sys.argv[1:], os.environ.get('OMP_NUM_THREADS')]))
    print('said by', folder.name)
    sys.exit(next((int(a[5:]) for a in sys.argv if a.startswith('code=')), 0))
    """


@pytest.mark.parametrize('jobs', [1, 2])
def test_every_combination_runs_though_one_fails(
    jobs: int, write: Write, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    tool, config = write('tool.py', TOOL), write('c.py', 'code = 0\nlr = 0.1')
    runs = tmp_path / 'runs'
    status = run_multirun(tool, config, ['code=0,3,0', 'lr=0.5'], runs, jobs, ['--amp'])
    assert status == 1
    out = capfd.readouterr().out
    assert sorted(p.name for p in runs.iterdir()) == ['0_code=0', '1_code=3', '2_code=0']
    argv, threads = json.loads((runs / '1_code=3' / 'argv.json').read_text())
    assert argv == [str(config), 'code=3', 'lr=0.5', '--work-dir', str(runs / '1_code=3'), '--amp']
    assert '2 of 3 runs succeeded' in out
    assert 'exit 3' in out
    if jobs == 1:
        assert 'said by 2_code=0' in out
    else:
        assert (runs / '2_code=0' / 'output.log').read_text() == 'said by 2_code=0\n'
        assert int(threads) >= 1


def test_exit_status_tells_users_errors_from_bugs(write: Write, tmp_path: Path) -> None:
    tool, config = write('tool.py', TOOL), write('c.py', 'code = 0')
    assert run_multirun(tool, config, ['code=0,0'], tmp_path / 'a') == 0
    assert run_multirun(tool, config, ['code=0,2'], tmp_path / 'b') == 2
    assert run_multirun(tool, config, ['code=2,1'], tmp_path / 'c') == 1


def test_a_misspelt_key_stops_everything_before_the_first_run(write: Write, tmp_path: Path) -> None:
    tool, config = write('tool.py', TOOL), write('c.py', 'code = 0')
    with pytest.raises(UserError, match="Did you mean 'code'"):
        run_multirun(tool, config, ['code=0,1', 'coed=1'], tmp_path / 'runs')
    assert not (tmp_path / 'runs').exists()
    with pytest.raises(UserError, match='--jobs'):
        run_multirun(tool, config, ['code=0,1'], tmp_path / 'runs', jobs=0)
