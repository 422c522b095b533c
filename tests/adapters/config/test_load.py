"""What a valid file means."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from prober.core.expect import Expect, JsonRule
from prober.core.model import Policy, Probe, Severity
from prober.core.settings import Config, EmailChannel, Standby

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.config.conftest import Load

PROBE = '[probe.api]\nurl = "https://api.example.com/health"\n'


def test_two_lines_are_enough(load: Load, tmp_path: Path) -> None:
    config = load(PROBE)
    (probe,) = config.probes
    assert config == Config(
        path=str(tmp_path / "probes.toml"), title="prober", location="host-1", probes=(probe,), secrets=()
    )
    assert probe == Probe(
        id="api", name="api", url="https://api.example.com/health", identity=probe.identity, timeout_ms=10_000
    )


def test_every_key_of_a_probe_arrives(load: Load, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes("# Größe\n".encode() + trustme.CA().cert_pem.bytes())
    config = load(
        PROBE
        + """
name = "API"
tags = ["prod", "eu"]
uptimerobot_id = 777810874
severity = "P0"
runbook = "https://wiki.example.com/book#down"
dashboard = "https://status.example.com"
method = "POST"
headers = { X-One = "1", X-Two = " two " }
auth = { username = "probe", password = "open sesame" }
body = '{"deep": true}'
enabled = false
redirects = 0
ca = "ca.pem"
allow_private = true
interval = "1h"
timeout = "1m30s"
failures = 4
recoveries = 5
slow = "2s"
slow_checks = 6
recheck = "10s"
target = 99.9
expect.status = [200, "3xx", "404-410"]
expect.body.contains = "ok"
expect.body.not_contains = "error"
expect.body.matches = "^o"
expect.header.Content-Type = "application/json*"
expect.certificate = "14d"
expect.json.status = "ok"
"""
    )
    (probe,) = config.probes
    assert probe == Probe(
        id="api",
        name="API",
        url="https://api.example.com/health",
        identity=probe.identity,
        method="POST",
        headers=(("X-One", "1"), ("X-Two", "two")),
        auth=("probe", "open sesame"),
        body='{"deep": true}',
        enabled=False,
        redirects=0,
        ca=str(tmp_path / "ca.pem"),
        allow_private=True,
        expect=Expect(
            status=((200, 200), (300, 399), (404, 410)),
            contains="ok",
            not_contains="error",
            matches="^o",
            headers=(("content-type", "application/json*"),),
            certificate_ms=1_209_600_000,
            json=(JsonRule(path="status", operator="==", operand="ok"),),
        ),
        policy=Policy(failures=4, recoveries=5, slow_ms=2_000, slow_checks=6),
        interval_ms=3_600_000,
        timeout_ms=90_000,
        recheck_ms=10_000,
        target_percent=99.9,
        tags=("prod", "eu"),
        severity=Severity.P0,
        runbook="https://wiki.example.com/book#down",
        dashboard="https://status.example.com",
        uptimerobot_id=777810874,
    )


def test_the_other_sections_arrive(load: Load, tmp_path: Path) -> None:
    config = load(
        f"""
title = "Acme"
location = "web-1"
{PROBE}
[connectivity]
urls = ["https://one.example.com/204", "http://two.example.com/204"]
[alert.email]
to = ["ops@example.com", "dev@example.com"]
from = "prober@example.com"
server = "smtp.example.com"
port = 2525
security = "tls"
username = "user"
password = "correct horse"
tags = ["prod"]
[store]
path = "data/prober.db"
"""
    )
    assert (config.title, config.location) == ("Acme", "web-1")
    assert config.connectivity_urls == ("https://one.example.com/204", "http://two.example.com/204")
    assert config.store_path == str(tmp_path / "data/prober.db")
    assert config.channels == (
        EmailChannel(
            id="email",
            to=("ops@example.com", "dev@example.com"),
            sender="prober@example.com",
            server="smtp.example.com",
            port=2525,
            security="tls",
            username="user",
            password="correct horse",
            tags=("prod",),
        ),
    )


def test_an_absolute_store_path_stays(load: Load) -> None:
    assert load(f'{PROBE}[store]\npath = "/var/lib/prober/x.db"').store_path == "/var/lib/prober/x.db"


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_follows_the_security(load: Load, security: str, port: int) -> None:
    channel = f'[alert.ops]\nkind = "email"\nto = ["a@b.c"]\nfrom = "a@b.c"\nserver = "h"\nsecurity = "{security}"'
    assert load(PROBE + channel).channels[0].port == port


@pytest.mark.parametrize(
    ("interval", "timeout_ms"), [("5m", 10_000), ("12s500ms", 10_000), ("10s", 8_000), ("1s", 800)]
)
def test_the_built_in_timeout_is_at_most_80_percent_of_the_interval(load: Load, interval: str, timeout_ms: int) -> None:
    assert load(f'{PROBE}interval = "{interval}"').probes[0].timeout_ms == timeout_ms


def test_slow_false_switches_the_slow_rule_off(load: Load) -> None:
    assert load(f'[defaults]\nslow = "3s"\n{PROBE}slow = false').probes[0].policy.slow_ms is None


@pytest.mark.parametrize(
    ("environ", "location"),
    [({}, "host-1"), ({"GITHUB_ACTIONS": "true"}, "github-actions"), ({"GITHUB_ACTIONS": ""}, "host-1")],
)
def test_the_location_defaults_to_where_this_runs(load: Load, environ: dict[str, str], location: str) -> None:
    assert load(PROBE, **environ).location == location


def test_defaults_merge_leaf_by_leaf_and_a_probes_own_key_wins(load: Load) -> None:
    (probe,) = load(
        """
[defaults]
interval = "1m"
failures = 5
headers = { Accept = "text/html", X-Team = "a" }
auth = { username = "probe", password = "first password" }
expect.status = 204
expect.body.contains = "ok"
expect.json.a.b = 1
expect.json.c = 2
[probe.api]
url = "https://api.example.com"
failures = 2
headers = { accept = "application/json" }
auth.password = "second password"
expect.status = [200]
expect.json."a.b" = 3
"""
    ).probes
    assert (probe.interval_ms, probe.policy.failures) == (60_000, 2)
    assert dict(probe.headers) == {"accept": "application/json", "X-Team": "a"}
    assert probe.auth == ("probe", "second password")
    assert (probe.expect.status, probe.expect.contains) == (((200, 200),), "ok")
    assert {(rule.path, rule.operand) for rule in probe.expect.json} == {("a.b", 3), ("c", 2)}


def test_any_key_may_stand_in_the_defaults(load: Load) -> None:
    (probe,) = load('[defaults]\nurl = "https://example.com"\n[probe.api]').probes
    assert probe.url == "https://example.com"


def test_a_certificate_rule_of_the_defaults_passes_over_http(load: Load) -> None:
    text = '[defaults]\nexpect.certificate = "7d"\n[probe.a]\nurl = "http://h"\n[probe.b]\nurl = "HTTPS://h"'
    assert [probe.expect.certificate_ms for probe in load(text).probes] == [None, 604_800_000]


@pytest.mark.parametrize(
    ("written", "rules"),
    [
        ("status = true", [("status", "==", True)]),
        ("n = 1.5", [("n", "==", 1.5)]),
        ("a.b.c = 1", [("a.b.c", "==", 1)]),
        ('"a.b".c = 1', [("a.b.c", "==", 1)]),
        ('n = "<= 100"', [("n", "<=", 100)]),
        ('n = ">-1.5e3"', [("n", ">", -1500.0)]),
        ('n = "!= null"', [("n", "!=", None)]),
        ('n = "!= true"', [("n", "!=", True)]),
        ('n = "!= degraded "', [("n", "!=", "degraded")]),
        ("""n = '!= "57"'""", [("n", "!=", "57")]),
        ('n = "~ ^v[0-9]+ "', [("n", "~", "^v[0-9]+ ")]),
        ('n = "== 5"', [("n", "==", "== 5")]),
        ('n = ["==", "<x"]', [("n", "==", "<x")]),
        ('n = ["==", []]', [("n", "==", [])]),
        ('n = ["==", { a = [1] }]', [("n", "==", {"a": [1]})]),
        ('n = ["contains", "x"]', [("n", "contains", "x")]),
        ('n = ["not_contains", 5]', [("n", "not_contains", 5)]),
        ('n = ["in", ["a", 1, true]]', [("n", "in", ["a", 1, True])]),
        ('n = ["exists", false]', [("n", "exists", False)]),
        ('n = ["null", true]', [("n", "null", True)]),
        ('n = [[">=", 1], ["<=", 90]]', [("n", ">=", 1), ("n", "<=", 90)]),
        ('"$.w[*].lag" = "<= 30"', [("$.w[*].lag", "<=", 30)]),
        ('"$.w[?length(@.a) > 1]" = ["exists", true]', [("$.w[?length(@.a) > 1]", "exists", True)]),
    ],
)
def test_conditions_mean_what_the_operators_table_says(
    load: Load, written: str, rules: list[tuple[str, str, Any]]
) -> None:
    (probe,) = load(f"{PROBE}[probe.api.expect.json]\n{written}").probes
    read = [(rule.path, rule.operator, rule.operand) for rule in probe.expect.json]
    assert json.dumps(read) == json.dumps(rules)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "HTTP://EXAMPLE.COM:8080/a?b=c",
        "http://localhost",
        "http://127.0.0.1:1/",
        "http://[::1]:65535/",
        "https://bücher.example/ü",
        "https://xn--bcher-kva.example",
        "https://under_score.example.com.",
        "https://example.com/a@b",
    ],
)
def test_urls_that_can_be_requested_are_taken_as_they_are(load: Load, url: str) -> None:
    assert load(f'[probe.a]\nurl = "{url}"').probes[0].url == url


def test_a_certificate_that_is_not_judged_by_default_is_not_expected_to_last(load: Load) -> None:
    text = '[defaults]\n{}\n[probe.a]\nurl = "https://h"\n{}'
    for lines in (("verify = false", 'expect.certificate = "7d"'), ('expect.certificate = "7d"', "verify = false")):
        (probe,) = load(text.format(*lines)).probes
        assert (probe.verify, probe.expect.certificate_ms) == (False, None)


@pytest.mark.parametrize(
    ("lines", "recheck_ms"),
    [("", None), ('recheck = "200ms"', 200), ('recheck = "5m"', 300_000), ('recheck = "2d"\ninterval = "1m"', 60_000)],
)
def test_a_recheck_is_any_duration_and_at_most_the_interval(load: Load, lines: str, recheck_ms: int | None) -> None:
    assert load(PROBE + lines).probes[0].recheck_ms == recheck_ms


def test_a_fragment_is_left_out(load: Load) -> None:
    assert load('[probe.a]\nurl = "https://example.com/a?b#c"').probes[0].url == "https://example.com/a?b"


IDENTITY_CHANGES = [
    'url = "https://example.com/2"',
    'method = "HEAD"',
    "expect.status = 200",
    'expect.body.contains = "x"',
    'expect.body.not_contains = "x"',
    'expect.header.a = "x"',
    'expect.certificate = "1d"',
    "expect.json.a = 1",
    'expect.json.a = "1"',
]
IDENTITY_STAYS = ['name = "x"', 'severity = "P3"', 'slow = "9s"', "failures = 9", 'tags = ["x"]', 'interval = "1m"']


def test_the_identity_changes_with_url_method_and_expectations_only(load: Load) -> None:
    def identity(line: str) -> str:
        return load(f'[defaults]\nurl = "https://example.com"\n[probe.a]\n{line}').probes[0].identity

    plain = identity("")
    assert len(plain) == 16
    assert {identity(line) for line in IDENTITY_STAYS} == {plain}
    assert len({plain, *(identity(line) for line in IDENTITY_CHANGES)}) == len(IDENTITY_CHANGES) + 1


def test_a_byte_order_mark_and_crlf_are_accepted(load: Load) -> None:
    assert load(b"\xef\xbb\xbf" + PROBE.replace("\n", "\r\n").encode()) == load(PROBE)


def test_10_000_probes_load_in_seconds(load: Load) -> None:
    text = "".join(f'[probe.p{number}]\nurl = "https://h{number}.example.com/health"\n' for number in range(10_000))
    started = time.perf_counter()
    assert len(load(text).probes) == 10_000
    assert time.perf_counter() - started < 10


def test_standing_behind_another_monitor_asks_it_at_its_real_address_unless_told_otherwise(load: Load) -> None:
    text = PROBE + '[standby]\nbehind = "uptimerobot"\napi_key = "${UPTIMEROBOT_API_KEY}"\n'
    config = load(text, UPTIMEROBOT_API_KEY="ur-123-read-only")
    usual = Standby(behind="uptimerobot", url="https://api.uptimerobot.com/v2/", api_key="ur-123-read-only")
    assert (config.standby, config.secrets) == (usual, ("ur-123-read-only",))
    nearby = 'url = "http://127.0.0.1:8099/v2/"\nevery = "5s"'
    other = load(text + nearby, UPTIMEROBOT_API_KEY="ur-123-read-only").standby
    assert other == replace(usual, url="http://127.0.0.1:8099/v2/", every_ms=5_000)


def test_standing_behind_another_prober_takes_the_address_of_its_status(load: Load) -> None:
    config = load(PROBE + '[standby]\nbehind = "prober"\nurl = "https://web-1.example/status.json"')
    assert config.standby == Standby(behind="prober", url="https://web-1.example/status.json")
    assert load(PROBE).standby is None
