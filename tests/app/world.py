"""A small world to run in: a configuration, a real store, scripted targets and a scripted mail server."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from prober.adapters.store import incidents, outbox
from prober.adapters.store.db import open_store
from prober.app.asked import Options
from prober.app.books import Books, open_books
from prober.app.journal import Journal
from prober.app.place import Place
from prober.app.run import Run
from prober.core.model import Policy, Probe
from prober.core.settings import Config, EmailChannel
from tests.fakes import T0, FakeChecker, FakeClock, FakeMail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from prober.adapters.log import Entry, Log
    from prober.adapters.store.db import Store
    from prober.adapters.store.outbox import OutboxRow
    from prober.app.asked import Report
    from prober.app.standby import Look
    from prober.core.facts import Certificate
    from prober.core.model import Incident

OPS, CHIEF = "ops@acme.example", "chief@acme.example"
HERE = Place(host="web-1", pid=7, origin="web-1.acme.example")


def probe(probe_id: str = "api", **fields: Any) -> Probe:
    usual: dict[str, Any] = {"name": probe_id, "url": f"https://{probe_id}.example/health", "identity": "1"}
    return Probe(**{"id": probe_id} | usual | fields)


def channel(*to: str, **fields: Any) -> EmailChannel:
    usual: dict[str, Any] = {"sender": "prober@acme.example", "server": "localhost", "port": 25}
    return EmailChannel(**{"id": "ops", "to": to or (OPS,)} | usual | fields)


def config(*probes: Probe, **fields: Any) -> Config:
    usual: dict[str, Any] = {"path": "probes.toml", "title": "Acme", "location": "here", "channels": (channel(),)}
    return Config(**{"probes": probes or (probe(),)} | usual | fields)


class Lines:
    """What a log was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def journal(self) -> Journal:
        return Journal(cast("Log", self))

    def write(self, entry: Entry) -> None:
        self.lines.append(entry.message)


@dataclass(slots=True)
class World:
    """Everything that lasts between runs. Each run opens the store anew, as a new process would."""

    path: Path
    config: Config = field(default_factory=config)
    clock: FakeClock = field(default_factory=FakeClock)
    mail: FakeMail = field(default_factory=FakeMail)
    checker: FakeChecker = field(init=False)
    look: Look | None = None
    waited: list[tuple[list[str], float]] = field(default_factory=list)

    async def run(
        self,
        histories: str | Mapping[str, str] = "",
        probes: Sequence[Probe] | None = None,
        *,
        certificate: Certificate | None = None,
        **options: Any,
    ) -> Report:
        """Run once. A history alone is that of every probe."""
        probes = [each for each in self.config.probes if each.enabled] if probes is None else probes
        scripts = {each.id: histories for each in probes} if isinstance(histories, str) else histories
        self.checker = FakeChecker(self.clock, scripts, certificate)
        usual: dict[str, Any] = {"deadline_ms": 240_000, "place": HERE}
        with closing(self.books()) as books:
            run = Run(
                config=self.config,
                books=books,
                clock=self.clock,
                checker=self.checker,
                open_session=self.mail.open,
                options=Options(**usual | options),
                look=self.look,
                on_wait=lambda near, seconds: self.waited.append(([each.id for each in near], seconds)),
            )
            return await run.run(probes)

    async def runs(self, history: str) -> list[Report]:
        """Run once for each check of a history."""
        return [await self.run(sign) for sign in history]

    def configure(self, *probes: Probe, **fields: Any) -> None:
        """Change the configuration between two runs."""
        self.config = replace(self.config, probes=probes or self.config.probes, **fields)

    def books(self, **options: Any) -> Books:
        """Open the store as a process does that writes to it; what stands in for it lies beside it."""
        usual: dict[str, Any] = {
            "is_alerting": True,
            "adopt": True,
            "environ": {"XDG_RUNTIME_DIR": str(self.path.parent)},
        }
        return open_books(self.path, config=self.config, place=HERE, clock=self.clock, **usual | options)

    def open(self) -> Store:
        return open_store(self.path, now_ms=T0)

    def waiting(self) -> list[OutboxRow]:
        with closing(self.open()) as store:
            return outbox.all_waiting(store)

    def rows(self) -> list[OutboxRow]:
        """Return every alert ever queued."""
        with closing(self.open()) as store:
            return [outbox.one_row(store, row["id"]) for row in store.rows("SELECT id FROM outbox ORDER BY id")]

    def incidents(self) -> list[Incident]:
        """Return every incident, oldest first."""
        with closing(self.open()) as store:
            return incidents.all_incidents(store)[::-1]

    def count(self, table: str) -> int:
        with closing(self.open()) as store:
            return int(store.rows(f"SELECT count(*) FROM {table}")[0][0])


QUICK = Policy(failures=1, recoveries=1, slow_checks=1)
