"""Fixtures that every test may use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests import loopback

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_configure() -> None:
    """Limit every test to this machine, and no example to a time: a test's own timeout ends it."""
    loopback.install()
    settings.register_profile("here", deadline=None)
    settings.load_profile("here")


def pytest_xdist_auto_num_workers() -> int:
    """Run two at once on each core: most tests wait for a process, a disk or a deadline half of their time."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on the loop that production uses."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _home_of_stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let what stands in for a store lie where only this session looks."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        environment.delenv("XDG_RUNTIME_DIR", raising=False)
        yield
