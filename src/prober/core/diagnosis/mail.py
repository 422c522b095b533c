"""A visit to a mail server, and what its outcome means for the alerts that are to go there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from prober.core.diagnosis.finding import Finding, fine, note, rough, wrong

if TYPE_CHECKING:
    from prober.core.settings import EmailChannel

Step: TypeAlias = Literal["connect", "greeting", "starttls", "tls", "certificate", "login"]

CERTIFICATE_NOTE_MS: Final = 14 * 86_400_000
_ADVICE: Final[dict[Step, str]] = {
    "connect": "check server and port, and whether a firewall or the provider blocks outgoing mail",
    "greeting": 'port 465 wants security = "tls", 587 "starttls"; else ask who runs the server',
    "starttls": 'the right one may be security = "tls" with port 465; alerts never go out in clear',
    "tls": 'port 465 wants security = "tls", 587 "starttls"',
    "certificate": "name the server as its certificate does, or have the certificate renewed",
    "login": "check username and password; a provider may want one made for applications",
}
_PROOF: Final = "prober test-alert proves real delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What came of connecting to a mail server and logging in, without sending.

    ``failure`` is what went wrong in ``step``. ``certificate_ends_ms`` is the end of the server's certificate.
    """

    failure: str | None = None
    step: Step = "connect"
    tls_version: str | None = None
    certificate_ends_ms: int | None = None
    is_logged_in: bool = False


def judge_mail(channel: EmailChannel, visit: Visit, *, now_ms: int) -> Finding:
    """Judge a channel by a visit to its server."""
    where = f"{channel.id}: {channel.server}:{channel.port}"
    if visit.failure is not None:
        return wrong("mail", f"{where}: {visit.failure}", _ADVICE[visit.step])
    login = "login accepted" if visit.is_logged_in else "no login configured"
    if visit.certificate_ends_ms is None:
        return fine("mail", f"{where}: no TLS, {login}; {_PROOF}")
    left_ms = visit.certificate_ends_ms - now_ms
    message = f"{where}: {visit.tls_version}, certificate {rough(left_ms)} left, {login}"
    if left_ms < CERTIFICATE_NOTE_MS:
        return note("mail", message, "have the server's certificate renewed: without it no alert goes out")
    return fine("mail", f"{message}; {_PROOF}")


def no_mail() -> Finding:
    """Return what to say where no channel is configured."""
    return note("mail", "no alert channel is configured: nobody would be told", "add [alert.email]")
