"""What the paths of TinyFace's test images say."""

from __future__ import annotations

from pathlib import PurePosixPath

from faceresearch.errors import UserError

ROLES = ('Probe', 'Gallery_Match', 'Gallery_Distractor')
#: The person of a distractor; no probe has this number.
DISTRACTOR = -100


def role_and_person(name: str) -> tuple[str, int]:
    """Return the folder an image is in and the number of its person, the part of its name before ``_``.

    Raises:
        UserError: the path says neither.
    """
    path = PurePosixPath(name.replace('\\', '/'))
    role = next((part for part in path.parts[:-1] if part in ROLES), None)
    if role is None:
        raise UserError(f'TinyFace: {name!r} is in none of {", ".join(ROLES)}')
    if role == 'Gallery_Distractor':
        return role, DISTRACTOR
    person = path.name.partition('_')[0]
    if not person.isdecimal():
        raise UserError(f'TinyFace: the name of {name!r} does not start with the number of a person and _')
    return role, int(person)
