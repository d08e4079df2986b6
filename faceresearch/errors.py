"""The one error type a user is meant to read, and the near-miss suggestions that go into it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can mend: one line that says what is wrong, where, and what to do.

    Tools print it without a traceback and exit with status 2.
    """


def did_you_mean(name: str, candidates: Iterable[str], count: int = 3) -> str:
    """Return `` Did you mean 'a' or 'b'?`` for the candidates nearest to a misspelt name, or an empty string."""
    pool = sorted(set(candidates))
    folded = {c.lower(): c for c in pool}
    near = difflib.get_close_matches(name, pool, n=count, cutoff=0.6)
    near += [folded[c] for c in difflib.get_close_matches(name.lower(), folded, n=count, cutoff=0.6)]
    unique = list(dict.fromkeys(near))[:count]
    return f' Did you mean {" or ".join(repr(n) for n in unique)}?' if unique else ''
