"""A run every minute pays for each import: nothing is loaded that a command does not use."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.cli.process import run_process

if TYPE_CHECKING:
    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web
    from tests.servers.smtp import SmtpServer

SENDS: Final = {"aiosmtplib", "jinja2", "tenacity"}
NEVER: Final = {"pydantic", "rich", "pygments", "regex", "jsonpath_rfc9535", "aiosmtpd", "trio", "sqlite_utils"}
CHECKS: Final = {"httpx", "httpcore", "anyio", "asyncio", "ssl"}
SHOW = """\
import sys
from prober.cli.main import main
sys.argv = ["prober", *sys.argv[1:]]
try:
    main()
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded(configure: Configure, *arguments: str) -> set[str]:
    ran = run_process(configure.folder, *arguments, program=(sys.executable, "-c", SHOW))
    assert ran.returncode == 0, ran.stderr
    return set(ran.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("command", ["--version", "config path", "check --offline", "status", "alerts list"])
def test_reading_loads_nothing_that_sends(configure: Configure, prober: RunProber, command: str) -> None:
    configure()
    prober("run")
    assert loaded(configure, *command.split()) & (SENDS | NEVER | CHECKS) == set()


def test_a_run_loads_mail_only_when_one_is_due(
    configure: Configure, prober: RunProber, web: Web, smtp: SmtpServer
) -> None:
    configure.with_mail(smtp, probe="failures = 1")
    prober("run")
    assert loaded(configure, "run") & (SENDS | NEVER | CHECKS) == CHECKS
    web.break_down()
    assert loaded(configure, "run") & (SENDS | NEVER) == SENDS
    assert len(smtp.mails) == 1
