"""Fixtures that every test may use."""

from __future__ import annotations

import pytest

from tests import loopback


def pytest_configure() -> None:
    """Limit every test to this machine."""
    loopback.install()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on the loop that production uses."""
    return "asyncio"
