"""Where the repository is that keeps the state, and what opens it.

What opens it reaches git in its environment, as a header for one server. It is in no argument, url or file: others on
the machine may read those.
"""

from __future__ import annotations

import re
import subprocess
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from prober.adapters.git.process import environment, not_started
from prober.adapters.git.trouble import shown
from prober.core.text import clean
from prober.errors import GitError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

_READ_WITHIN_S: Final = 10
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SSH_PATH: Final = re.compile(r"[^/]+:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A repository: its url or path without credentials, the settings that open it, and what must not be shown."""

    url: str
    settings: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()


def remote_of(url: str, *, token: str | None, server: str) -> Remote:
    """Take credentials out of a url of HTTP; a password in it goes before the token, which is for ``server`` alone.

    Raises UsageError for a url that is none.
    """
    token = (token or "").strip()
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(
            f"{shown(url)}: {error}; give the url of the repository, as `git remote -v` shows it"
        ) from error
    userinfo, at, host = parts.netloc.rpartition("@")
    if parts.scheme in {"http", "https"} and at:
        url = parts._replace(netloc=host).geturl()
        user, colon, password = (unquote(each) for each in userinfo.partition(":"))
        if colon or not token:
            return _opened(url, f"{parts.scheme}://{host}", f"{user}:{password}", secret=password or user)
    return _opened(url, server, f"x-access-token:{token}", secret=token) if token else Remote(url=url)


def _opened(url: str, server: str, credentials: str, *, secret: str) -> Remote:
    basic = b64encode(credentials.encode()).decode()
    setting = (f"http.{server.rstrip('/')}/.extraheader", f"AUTHORIZATION: basic {basic}")
    return Remote(url=url, settings=(setting, ("http.followRedirects", "false")), secrets=(secret, basic))


def find_remote(workspace: Path, name: str) -> str:
    """Return the url of a named remote of a checkout, or the name itself if it is a url or a path.

    A relative path is one seen from ``workspace``, and comes back absolute. The url may hold credentials: it is not for
    showing. Raises UsageError for a name that the checkout does not know, GitError where there is no git.
    """
    command = ["git", "-C", str(workspace), "-c", "safe.directory=*", "remote", "get-url", "--", name]
    try:
        told = subprocess.run(  # noqa: S603 - git reads the checkout's configuration and runs nothing
            command,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_READ_WITHIN_S,
            check=False,
        )
    except OSError as error:
        raise not_started(error) from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git: no answer within {_READ_WITHIN_S} s; check the disk of {workspace}") from error
    url = told.stdout.decode(errors="replace").rstrip("\n") or name
    if _URL.match(url) or _SSH_PATH.match(url):
        return url
    if url == name and "/" not in name:
        advice = "name one that `git remote` lists with --remote, or give the url of the repository"
        raise UsageError(f"{clean(name)}: no remote of the checkout in {workspace}; {advice}")
    return str((workspace / url).resolve())
