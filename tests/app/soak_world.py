"""How much a soak has to do, and the configuration for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.servers.certificates import authority_file

if TYPE_CHECKING:
    from collections.abc import Mapping

# It always answers, unless there is a blackout.
ANSWERING: Final = "answering"

HEAD: Final = """
location = "here"
[defaults]
interval = "{interval}"
timeout = "{timeout}"
recheck = "{timeout}"
slow = "200ms"
ca = "{ca}"
[connectivity]
urls = ["http://127.0.0.1:{answering}/"]
[heartbeat]
url = "http://127.0.0.1:{answering}/heartbeat"
[alert.email]
to = ["ops@acme.example", "chief@acme.example"]
from = "prober@acme.example"
server = "127.0.0.1"
port = {mail}
security = "none"
remind = "20s"
"""
PROBE: Final = """
[probe.{door}-{number}]
url = "{scheme}://{host}:{port}/{number}"
expect.body.{expected}
"""
# Names are looked up in threads, and patterns judged in them.
WAYS: Final = (
    ("127.0.0.1", 'contains = "fine"'),
    ("127.0.0.1", 'matches = "^fine$"'),
    ("localhost", 'contains = "fine"'),
)
MORE: Final = '[probe.more]\nurl = "http://127.0.0.1:9/"\n'
WRONG: Final = '[probe.more]\nurl = "gopher://127.0.0.1/"\nnonsense = true\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is to do: doors without and with TLS, probes behind each, and how often things happen.

    ``memory_kib`` is by how much memory may grow besides a share: in a short time not everything was needed once yet.
    """

    clear: int
    secure: int
    behind_each: int
    interval: str
    timeout: str
    seconds: float
    sample_every_s: float
    act_every_s: float
    calm_s: float
    memory_kib: int

    def doors(self) -> dict[str, bool]:
        """Return every door and whether it has TLS."""
        clear = {f"clear{number}": False for number in range(self.clear)}
        return {ANSWERING: False} | clear | {f"secure{number}": True for number in range(self.secure)}


LONG: Final = Size(
    clear=10,
    secure=3,
    behind_each=20,
    interval="5s",
    timeout="2s",
    seconds=3600,
    sample_every_s=5,
    act_every_s=10,
    calm_s=60,
    memory_kib=3_072,
)
SHORT: Final = Size(
    clear=4,
    secure=2,
    behind_each=8,
    interval="1s",
    timeout="500ms",
    seconds=18,
    sample_every_s=0.2,
    act_every_s=1,
    calm_s=4,
    memory_kib=8_192,
)


def configured(size: Size, ports: Mapping[str, int], mail: int) -> str:
    """Return a configuration with all probes behind all doors."""
    ca, answering = authority_file(), ports[ANSWERING]
    parts = [HEAD.format(interval=size.interval, timeout=size.timeout, ca=ca, answering=answering, mail=mail)]
    for door, has_tls in size.doors().items():
        for number in range(size.behind_each if door != ANSWERING else 0):
            host, expected = WAYS[number % len(WAYS)]
            scheme, port = "https" if has_tls else "http", ports[door]
            parts.append(PROBE.format(door=door, number=number, scheme=scheme, host=host, port=port, expected=expected))
    return "".join(parts)
