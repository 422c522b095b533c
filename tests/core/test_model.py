"""What the values know of themselves."""

from __future__ import annotations

import pytest

from prober.core.model import Severity
from prober.core.settings import EmailChannel


@pytest.mark.parametrize(("severity", "lower"), [("P0", "P1"), ("P1", "P2"), ("P2", "P3"), ("P3", "P3")])
def test_a_slow_incident_is_one_severity_lower_and_never_below_the_lowest(severity: str, lower: str) -> None:
    assert Severity(severity).one_lower() is Severity(lower)


def test_mail_comes_from_the_domain_of_its_sender() -> None:
    channel = EmailChannel(id="email", to=("a@x.example",), sender="prober@acme.example", server="mail", port=25)
    assert channel.domain == "acme.example"
