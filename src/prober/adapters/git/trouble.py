"""What git says when it fails, told in our words: what happened, and what to do next."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from prober.core.masking import Masker
from prober.core.text import cut, scrub
from prober.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rejected(GitError):  # noqa: N818 - a kind of GitError, and reads as one
    """Somebody else pushed meanwhile: fetch, merge and push again."""


_SAID_CHARACTERS: Final = 400
_NOISE: Final = ("hint:", "error: failed to push some refs", "Please make sure", "and the repository exists")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]+@")
_RACE: Final = re.compile(
    r"stale info|fetch first|non-fast-forward|already exists|incorrect old value"
    r"|failed to update ref|cannot lock ref|failed to lock|File exists",
    re.IGNORECASE,
)
_NO_RACE: Final = re.compile(r"cannot create|permission denied|no space left|read-only", re.IGNORECASE)
_NO_BRANCH: Final = re.compile(r"couldn't find remote ref", re.IGNORECASE)
_ADVICE: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (r"GH00\d|GH013|protected branch|rule violations|hook declined", "let the rules of the repository allow it"),
        (
            r"returned error: 403|permission to .* denied|write access",
            "give the job `permissions: contents: write`, or set GITHUB_TOKEN to a token that may write contents",
        ),
        (
            r"returned error: 401|authentication failed|could not read (?:username|password)|permission denied \(",
            "set GITHUB_TOKEN to a token that may read and write the repository's contents",
        ),
        (
            r"not found|not appear to be a git repository",
            "check the remote; a private repository needs a token in GITHUB_TOKEN",
        ),
        (r"returned error: (?:429|5\d\d)", "try again later: the server is busy or out of order"),
        (r"returned error: 30\d|redirect", "the repository has moved: set its new url as the remote"),
        (r"no space left", "free some space on the disk"),
        (r"cannot create|directory/file conflict", "choose another branch: one that this name is a folder of exists"),
        (r"resolve|connect|unreachable|timed out|ssl|tls|early eof|hung up", "check the network and try again"),
    )
)


def is_without_branch(said: str) -> bool:
    """Say whether a fetch failed because there is no such branch yet."""
    return _NO_BRANCH.search(said) is not None


def is_overtaken(refusal: str, said: str) -> bool:
    """Say whether a push was refused because others push too, and not for what trying again cannot mend.

    ``refusal`` is git's word on the branch; the server's reason can stand in all that was ``said`` instead.
    """
    return _RACE.search(refusal) is not None and _NO_RACE.search(f"{refusal}\n{said}") is None


def trouble(doing: str, said: str, *, secrets: Iterable[str]) -> GitError:
    """Return the error that says on one line, without a secret, what git said and what to do next."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(_NOISE)]
    told = cut(shown(" ".join(lines) or "git ended without a word", secrets), _SAID_CHARACTERS)
    advice = next((advice for pattern, advice in _ADVICE if pattern.search(told)), "check the remote and its branch")
    return GitError(f"{shown(doing, secrets)}: {told.rstrip('.')}; {advice}")


def shown(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text on one line without the secrets, nor anybody's credentials within a url."""
    return _CREDENTIALS.sub("***@", scrub(text, Masker(secrets).mask))
