"""The first random number of many samples at once: of each ``np.random.default_rng([seed, epoch, index])``.

numpy takes ten microseconds to make a generator, a sixth of what decoding a face takes, and mirroring needs one number
of each. Here a batch's seeds are hashed together (numpy's ``SeedSequence``, after O'Neill's ``seed_seq_fe``) and a step
of PCG64 is made for all of them (O'Neill, PCG, Harvey Mudd College 2014; numpy/random/src/pcg64).
"""

from __future__ import annotations

import numpy as np

_PCG_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_MIX_LEFT, _MIX_RIGHT = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
_SHIFT = np.uint32(16)
_U64 = np.uint64
_LOW = _U64(0xFFFFFFFF)
#: SeedSequence's running constants: of the hashes that mix, and of those that give out.
_HASHES = np.array([0x43B0D7E5 * 0x931E8875**i & 0xFFFFFFFF for i in range(17)], np.uint32)
_OUTPUTS = np.array([0x8B51F9DD * 0x58F38DED**i & 0xFFFFFFFF for i in range(9)], np.uint32)
#: Upper and lower half of a number of 128 bits.
_Wide = tuple[np.ndarray, np.ndarray]


def first_draws(seed: int, epochs: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return ``default_rng([seed, epoch, index]).random()`` of each sample, (N,) float64.

    Args:
        seed: of the data set.
        epochs: (N,) of each sample.
        indices: (N,) of each sample in the data set.
    """
    if max(seed, int(epochs.max(initial=0)), int(indices.max(initial=0))) >= 2**32:
        # numpy takes two words for such a number.
        return np.array([np.random.default_rng([seed, e, i]).random() for e, i in zip(epochs, indices)])
    words = np.zeros((4, len(indices)), np.uint32)
    words[0], words[1], words[2] = seed, epochs, indices
    with np.errstate(over='ignore'):
        high, low, sequence_high, sequence_low = _generated(_mixed(words))
        increment = (sequence_high << _U64(1) | sequence_low >> _U64(63), sequence_low << _U64(1) | _U64(1))
        state = _step(_sum(increment, (high, low)), increment)
        high, low = _step(state, increment)
        folded, turns = high ^ low, high >> _U64(58)
        drawn = folded >> turns | folded << (-turns & _U64(63))
    return (drawn >> _U64(11)) * 2.0**-53


def _step(state: _Wide, increment: _Wide) -> _Wide:
    """Return state · multiplier + increment modulo 2^128."""
    high, low = state
    factor_high, factor_low = _U64(_PCG_MULTIPLIER >> 64), _U64(_PCG_MULTIPLIER & 0xFFFFFFFFFFFFFFFF)
    # The upper half of low · factor_low, in digits of 32 bits.
    a, b, c, d = low >> _U64(32), low & _LOW, factor_low >> _U64(32), factor_low & _LOW
    bc, bd = b * c, b * d
    middle = a * d + (bd >> _U64(32)) + (bc & _LOW)
    carried = a * c + (bc >> _U64(32)) + (middle >> _U64(32))
    return _sum((high * factor_low + low * factor_high + carried, low * factor_low), increment)


def _sum(one: _Wide, other: _Wide) -> _Wide:
    low = one[1] + other[1]
    return one[0] + other[0] + (low < one[1]), low


def _hashed(value: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """Hash with each of some constants, (M, N), of which the following one is the factor."""
    value = (value ^ constants[:-1, None]) * constants[1:, None]
    return value ^ (value >> _SHIFT)


def _mixed(words: np.ndarray) -> np.ndarray:
    """Spread four words of each sample, (4, N), over one another."""
    pool = np.concatenate([_hashed(words[i], _HASHES[i : i + 2]) for i in range(4)])
    for source in range(4):
        others, first = [i for i in range(4) if i != source], 4 + 3 * source
        mixed: np.ndarray = _MIX_LEFT * pool[others] - _MIX_RIGHT * _hashed(pool[source], _HASHES[first : first + 4])
        pool[others] = mixed ^ (mixed >> _SHIFT)
    return pool


def _generated(pool: np.ndarray) -> np.ndarray:
    """Return four words of 64 bits per sample, (4, N) uint64."""
    halves = _hashed(np.concatenate([pool, pool]), _OUTPUTS).astype(np.uint64)
    return halves[0::2] | halves[1::2] << _U64(32)
