"""`prober run` behind another prober, which publishes what its ``status --json`` says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.behind import QUICK
from tests.cli.web import web_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.behind import Behind
    from tests.cli.web import Web

DOWN = "[DOWN P1] api: status 503 (inc 1)"
SILENT = "[PROBER] the other prober silent: standing in"
BACK = "[PROBER] the other prober is back: standing by"
HOUR_S = 3_600


@dataclass(slots=True)
class Other:
    """Another prober, with a configuration and a store of its own, and where it publishes its status."""

    behind: Behind
    page: Web

    def check_and_publish(self) -> None:
        folder = self.behind.folder / "other"
        folder.mkdir(exist_ok=True)
        file = folder / "probes.toml"
        file.write_text(f'location = "there"\n[probe.api]\nurl = "{self.behind.web.url}"\n{QUICK}\n')
        assert self.behind.prober("-c", str(file), "run").code == 0
        self.publish(json.loads(self.behind.prober("-c", str(file), "status", "--json").out))

    def publish(self, status: dict[str, Any]) -> None:
        self.page.body = json.dumps(status).encode()

    @property
    def status(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.page.body)
        return said

    def told(self, *, is_at_work: bool = True, after_s: float = 60) -> list[str]:
        """Let both check once, and return the subjects of the mails that we sent."""
        if is_at_work:
            self.behind.later(after_s)
            self.check_and_publish()
        return self.behind.told(after_s=0 if is_at_work else after_s)


@pytest.fixture
def other(behind: Behind) -> Iterator[Other]:
    """Stand behind another prober."""
    with web_server() as page:
        page.heal()
        behind.use(standby=f'[standby]\nbehind = "prober"\nurl = "{page.url}"\nevery = "1s"\n')
        yield Other(behind, page)


def hold_an_outage(other: Other) -> None:
    assert other.told() == []
    other.behind.web.break_down()
    assert other.told() == []
    assert [each["announced_at"] for each in other.behind.incidents()] == [None]


def test_while_it_checks_we_keep_quiet_and_ask_it_nothing_but_its_status(other: Other) -> None:
    hold_an_outage(other)
    assert [other.told() for _ in range(3)] == [[]] * 3
    assert {request.split(b"\r\n")[0] for request in other.page.requests} == {b"GET /health HTTP/1.1"}


def test_a_status_that_is_old_says_that_it_does_not_check_any_more(other: Other) -> None:
    hold_an_outage(other)
    assert other.told(is_at_work=False, after_s=HOUR_S) == [SILENT, DOWN]
    assert other.told() == [BACK]
    other.behind.web.heal()
    (end,) = other.told()
    assert end.startswith("[UP after")


def test_a_new_file_over_old_checks_proves_nothing(other: Other) -> None:
    hold_an_outage(other)
    frozen = other.status
    other.behind.later(HOUR_S)
    other.check_and_publish()
    other.publish(other.status | {"probes": frozen["probes"]})
    assert other.told(is_at_work=False, after_s=0) == [SILENT, DOWN]


@pytest.mark.parametrize("status", [404, 500])
def test_three_looks_at_a_page_that_is_gone_are_one_too_many(other: Other, status: int) -> None:
    hold_an_outage(other)
    other.page.break_down(status)
    told = other.told(is_at_work=False)
    assert told[0].startswith("[PROBER] the other prober ")
    assert told[1:] == [DOWN]


@pytest.mark.parametrize("body", [b"", b"<html>moved</html>", b'{"schema": 2}', b'{"schema": 1, "probes": []}'])
def test_what_is_no_status_is_no_answer(other: Other, body: bytes) -> None:
    hold_an_outage(other)
    other.page.body = body
    assert other.told(is_at_work=False)[1:] == [DOWN]


@pytest.mark.parametrize(("role", "speaks"), [("active", False), ("standing-in", False), ("standby", True)])
def test_one_that_keeps_quiet_itself_watches_for_nobody(other: Other, role: str, *, speaks: bool) -> None:
    hold_an_outage(other)
    other.behind.later(60)
    other.check_and_publish()
    other.publish(other.status | {"role": role})
    told = other.told(is_at_work=False, after_s=0)
    assert told[1:] == ([DOWN] if speaks else [])


@pytest.mark.parametrize("change", [{"state": "paused"}, {"role": "standby"}, {"id": "another"}])
def test_a_probe_that_it_does_not_watch_is_ours(other: Other, change: dict[str, str]) -> None:
    hold_an_outage(other)
    other.behind.later(60)
    other.check_and_publish()
    (api,) = other.status["probes"]
    blog = api | {"id": "blog", "name": "blog", "state": "up"}
    other.publish(other.status | {"probes": [api | change, blog]})
    assert other.told(is_at_work=False, after_s=0) == ["[PROBER] the other prober is blind for api: standing in", DOWN]
