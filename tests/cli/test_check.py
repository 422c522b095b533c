from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from prober.cli.check import exit_code
from prober.core.model import Outcome, Reason, Result

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Configure, RunProber
    from tests.cli.web import Web

NOWHERE = "http://127.0.0.1:1/"


def test_a_url_needs_no_configuration_and_shows_where_the_time_goes(folder: Path, prober: RunProber, web: Web) -> None:
    ran = prober("check", web.url)
    assert (ran.code, ran.err) == (0, "")
    first, phases, body, last = ran.out.splitlines()
    assert first.split()[:3] == [f"127.0.0.1:{web.port}/health", "UP", "200"]
    assert phases.split()[:1] == ["dns+connect"]
    assert body.strip() == "body 16 B json"
    assert last == "  nothing stored, nobody told"
    assert [path.name for path in folder.iterdir()] == [".git"]


def test_a_url_is_checked_also_where_the_configuration_is_broken(folder: Path, prober: RunProber, web: Web) -> None:
    (folder / "probes.toml").write_text("broken")
    assert prober("check", web.url).code == 0


def test_a_failing_url_exits_with_1_and_says_why(prober: RunProber, web: Web) -> None:
    web.break_down()
    ran = prober("check", web.url)
    assert ran.code == 1
    assert "FAILED   503" in ran.out
    assert "expected 2xx" in ran.out
    assert "the server said: out of order" in ran.out


def test_without_names_every_probe_is_checked_but_the_paused(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(f'[probe.off]\nurl = "{web.url}?off"\nenabled = false\n[probe.two]\nurl = "{web.url}?two"')
    ran = prober("check", "--json")
    assert [each["id"] for each in json.loads(ran.out)["results"]] == ["api", "two"]
    assert len(web.requests) == 2


def test_a_paused_probe_is_checked_when_named(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(probe="enabled = false")
    assert prober("check", "api").code == 0
    assert len(web.requests) == 1


def test_ids_and_urls_may_be_mixed(configure: Configure, prober: RunProber, web: Web) -> None:
    configure()
    other = f"{web.url}/other"
    ran = prober("check", other, "api", other, "--json")
    assert [each["id"] for each in json.loads(ran.out)["results"]] == ["api", other]


def test_json_has_results_alone(prober: RunProber, web: Web) -> None:
    web.break_down()
    shown = json.loads(prober("check", "--json", web.url).out)
    assert shown.keys() == {"schema", "results"}
    (result,) = shown["results"]
    assert result.keys() == {"id", "at", "outcome", "reason", "detail", "status", "latency_ms", "verify"}
    assert (result["outcome"], result["reason"], result["status"]) == ("failed", "status", 503)
    assert result["latency_ms"] is None


def test_a_configuration_is_told_what_it_lacks_and_how_late_an_alert_may_be(
    configure: Configure, prober: RunProber
) -> None:
    configure(probe='interval = "5m"\nrecheck = "1m"\ntimeout = "10s"')
    ran = prober("check")
    assert "an outage is told of after 7m10s at the latest" in ran.out
    assert "connectivity is not configured" in ran.out
    assert "no alert channel is configured" in ran.out


def test_offline_validates_and_sends_nothing(configure: Configure, prober: RunProber, web: Web) -> None:
    path = configure(probe='interval = "1m"\ntimeout = "5s"')
    ran = prober("check", "--offline")
    assert ran.code == 0
    assert ran.out.splitlines()[:2] == [
        f"{path}: valid, 1 probe. Nothing was sent.",
        "  api: every 1m, an outage is told of after 3m5s at the latest",
    ]
    assert "connectivity is not configured" in ran.out
    assert web.requests == []


def test_offline_counts_probes_and_prints_json_where_asked(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(f'[probe.two]\nurl = "{web.url}"')
    assert "valid, 2 probes." in prober("check", "--offline").out
    configure(f'[probe.two]\nurl = "{web.url}"\nenabled = false')
    assert "valid, 2 probes (1 paused). Nothing" in prober("check", "--offline").out
    assert json.loads(prober("check", "--offline", "--json").out) == {"schema": 1, "results": []}


def test_an_invalid_configuration_exits_with_3_and_shows_every_problem(
    folder: Path, prober: RunProber, web: Web
) -> None:
    (folder / "probes.toml").write_text(f'[probe.api]\nurl = "{web.url}"\ntimeot = "9s"\ninterval = 5\n')
    ran = prober("check")
    assert (ran.code, ran.out) == (3, "")
    assert 'probes.toml:3:1: error: unknown key "timeot" in [probe.api]' in ran.err
    assert 'did you mean "timeout"?' in ran.err
    assert ran.err.endswith("2 errors. Nothing was sent.\n")
    assert web.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["acme.example"], '"acme.example" is neither a probe\'s id nor a URL. Write "https://acme.example".'),
        (["localhost:8080/x"], 'Write "https://localhost:8080/x".'),
        (["apj"], 'Did you mean "api"?'),
        (["zzzzzz"], "There are: api."),
        (["ftp://acme.example"], '"ftp://acme.example" is not an http or https URL. A URL is such as https://'),
        (["https://"], '"https://" has no host'),
        (["https://me:hunter22@acme.example"], "credentials in a URL are refused"),
        (["--offline", "https://acme.example"], "Leave out the URL"),
    ],
)
def test_what_cannot_be_checked_exits_with_2_and_says_what_to_write(
    configure: Configure, prober: RunProber, arguments: list[str], said: str
) -> None:
    configure()
    ran = prober("check", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert said in ran.err
    assert "hunter22" not in ran.err


def test_offline_exits_with_6_and_judges_nothing(configure: Configure, prober: RunProber) -> None:
    configure(f'[connectivity]\nurls = ["{NOWHERE}"]', url=NOWHERE)
    ran = prober("check")
    assert ran.code == 6
    assert "UNKNOWN" in ran.out
    assert "we are offline" in ran.out


def test_a_url_that_does_not_answer_fails_where_connectivity_is_not_asked(prober: RunProber) -> None:
    assert prober("check", NOWHERE).code == 1


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ("", 0),
        ("ok slow unknown", 0),
        ("ok failed", 1),
        ("offline offline", 6),
        ("offline ok", 0),
        ("offline failed", 1),
    ],
)
def test_exit_codes(outcomes: str, code: int) -> None:
    results = [
        Result(
            probe_id="api",
            location="here",
            at_ms=0,
            outcome=Outcome.UNKNOWN if word == "offline" else Outcome(word),
            reason=Reason.OFFLINE if word == "offline" else None,
        )
        for word in outcomes.split()
    ]
    assert exit_code(results) == code


def test_a_certificate_that_is_not_judged_is_said(configure: Configure, prober: RunProber) -> None:
    configure(probe="verify = false")
    assert "certificate not verified (verify = false)" in prober("check").out
    assert json.loads(prober("check", "--json").out)["results"][0]["verify"] is False


def test_probes_are_called_by_their_ids_and_a_bare_url_by_itself(
    configure: Configure, prober: RunProber, web: Web
) -> None:
    configure(f'[probe.two]\nurl = "{web.url}"')
    address = f"127.0.0.1:{web.port}/health"
    lines = prober("check", "api", "two", web.url).out.splitlines()
    assert [line.split()[:2] for line in lines if "UP" in line] == [["api", address], ["two", address], [address, "UP"]]
    assert sum("told of" in line for line in lines) == 2


def test_a_url_that_is_a_secret_is_shown_as_one(
    configure: Configure, prober: RunProber, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIDDEN_URL", web.url)
    configure(url="${HIDDEN_URL}")
    ran = prober("check")
    assert ran.out.splitlines()[0].split()[:3] == ["api", "***", "UP"]
    assert web.url not in ran.out


def test_what_is_paused_is_said(configure: Configure, prober: RunProber, web: Web) -> None:
    configure(probe="enabled = false")
    ran = prober("check")
    assert ran.code == 0
    assert "  paused (enabled = false): api\n" in ran.out
    assert json.loads(prober("check", "--json").out)["results"] == []
    assert web.requests == []


def test_a_bare_url_may_be_private_also_on_a_hosted_machine(
    configure: Configure, prober: RunProber, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    assert prober("check", web.url).code == 0
    configure()
    assert prober("check").code == 1
