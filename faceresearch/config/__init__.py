"""Configs: load with strict overrides and propagating variables, check, explain, sweep, write."""

from faceresearch.config.checks import validate
from faceresearch.config.loader import load_config
from faceresearch.config.paths import config_names, configs_folder, find_config
from faceresearch.config.provenance import explain
from faceresearch.config.sweep import expand_sweeps, run_multirun
from faceresearch.config.writing import dump_config, format_config

__all__ = [
    'config_names',
    'configs_folder',
    'dump_config',
    'expand_sweeps',
    'explain',
    'find_config',
    'format_config',
    'load_config',
    'run_multirun',
    'validate',
]
