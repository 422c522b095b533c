from __future__ import annotations

import os
import re
import stat
import tomllib
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prober.adapters.config import InvalidConfig, load_config
from prober.adapters.http import Fetcher
from prober.app.importing import Import, Source, judge, key_of, present_in, read_import, write_import
from prober.core.importing.account import Account, Assertion, Assignment, Body, Contact, Keyword, Monitor, Window
from prober.core.importing.plan import Present, planned
from prober.errors import ConfigError, NoAnswerError, ProberError, UsageError
from prober.render.import_report import report, shape
from prober.render.imported import added_text, new_text
from tests.fakes import MIN_MS, T0
from tests.servers.uptimerobot import Monitor as Theirs
from tests.servers.uptimerobot import realistic_account, run_uptimerobot

if TYPE_CHECKING:
    from pathlib import Path

    from prober.core.importing.plan import Plan
    from prober.core.settings import Config

KEY = "ur1234-read-only-secret"


def load(path: Path, plan: Plan, **environ: str) -> Config:
    secrets = {each.name: "placeholder" for each in plan.secrets}
    return load_config(path, environ={**secrets, **environ}, host_name="web-1")


async def read(theirs: Any, path: Path | None) -> Import:
    async with run_uptimerobot(theirs) as robot, Fetcher() as fetch:
        source = Source(key_name="UR_KEY", key=KEY, url=robot.v2)
        try:
            return await read_import(fetch, source, path, now_ms=T0)
        except ProberError as error:
            stopped = error  # raised here, the server's task group would wrap it
    raise stopped


@pytest.mark.anyio
async def test_a_realistic_account_becomes_a_valid_file_without_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "probes.toml"
    ready = await read(realistic_account(lambda: T0), path)
    assert not path.exists()
    write_import(ready, environ={})
    config = load(path, ready.plan)
    assert len(config.probes) == len(ready.plan.probes) == 40
    assert {probe.uptimerobot_id for probe in config.probes} == {each.monitor.id for each in ready.plan.probes}
    assert config.channels[0].to == ("ops@acme.example",)
    assert len(config.maintenance) == 4
    text = path.read_text()
    for secret in ("secret-", KEY, "application/json; ", "{ ping }", "+1555", "hooks.slack"):
        assert secret not in text
    by_name = {probe.name.rpartition(" ")[0]: probe for probe in config.probes}
    assert by_name["Keyword not there"].expect.not_contains == "fatal"
    assert by_name["Keyword there"].expect.matches == "(?i)all systems <go>"
    assert (by_name["Keyword not there"].method, by_name["Front page"].method) == ("GET", "HEAD")
    assert by_name["Posts a form"].expect.status == ((200, 200), (302, 302))
    assert [rule.operator for rule in by_name["JSON API"].expect.json] == ["==", "<", "null"]
    assert by_name["Front page"].policy.slow_ms == 2000
    assert not by_name["Paused"].enabled


@pytest.mark.anyio
async def test_importing_again_adds_only_what_is_new_and_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "probes.toml"
    theirs = realistic_account(lambda: T0)
    write_import(await read(theirs, path), environ={})
    path.chmod(0o640)
    before = path.read_bytes()
    again = await read(theirs, path)
    write_import(again, environ={})
    assert (again.text, path.read_bytes()) == ("", before)
    assert len(again.plan.known) == 44
    assert {each.name for each in again.plan.known[40:]} == {
        *("maintenance window Nightly backup", "maintenance window Patch day"),
        *("maintenance window Month's end", "maintenance window Move"),
    }
    theirs.monitors.append(Theirs(id=5, name="Front page 1", url="https://new.example/", password="x"))
    third = await read(theirs, path)
    write_import(third, environ={})
    after = path.read_bytes()
    assert after.startswith(before)
    assert after[len(before) :].decode() == third.text
    assert "maintenance" not in third.text
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]
    assert tomllib.loads(after.decode())["probe"]["front-page-1-2"]["uptimerobot_id"] == 5


def ready_for(path: Path, *monitors: Monitor, before: bytes | None = None) -> Import:
    present, found = present_in(path)
    plan = planned(Account(monitors=monitors), present, judge=judge, now_ms=T0)
    text = added_text(plan, found.decode(), key_name="K", url=None) if found else new_text(plan, key_name="K", url=None)
    return Import(plan=plan, path=path, before=found if before is None else before, text=text)


MONITOR = Monitor(id=7, kind="http", name="API", url="https://acme.example/", auth="bearer", password="pw")


@pytest.mark.parametrize(
    "before",
    [
        'probe = { a = { url = "https://a.example" } }\n',
        '[defaults]\nauth = { username = "a", password = "b" }\n[probe.a]\nurl = "https://a.example"\n',
    ],
)
def test_what_does_not_fit_to_a_valid_file_is_not_written(tmp_path: Path, before: str) -> None:
    path = tmp_path / "probes.toml"
    path.write_text(before)
    with pytest.raises(ConfigError) as error:
        write_import(ready_for(path, MONITOR), environ={})
    assert "which was left as it is:\n" in str(error.value)
    assert str(error.value).endswith("Import into a file of its own: -o imported.toml")
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_lacks_a_secret_is_added_to_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "probes.toml"
    path.write_text('[probe.a]\nurl = "https://a.example/${UNSET}"')
    write_import(ready_for(path, MONITOR), environ={})
    assert [probe.id for probe in load_config(path, environ={"UNSET": "x", "API_TOKEN": "y"}, host_name="").probes] == [
        "a",
        "api",
    ]


def test_a_link_stays_one_and_a_mark_of_byte_order_too(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_bytes(b"\xef\xbb\xbftitle = 'a'\r\n")
    link = tmp_path / "probes.toml"
    link.symlink_to(real)
    write_import(ready_for(link, MONITOR), environ={})
    assert link.is_symlink()
    assert real.read_bytes().startswith(b"\xef\xbb\xbftitle = 'a'\r\n\r\n# Added")


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Name a file that you may write to"):
        write_import(replace(ready_for(tmp_path / "x", MONITOR), path=tmp_path / "file" / "probes.toml"), environ={})
    ready = ready_for(tmp_path / "deep" / "er" / "probes.toml", MONITOR)
    write_import(ready, environ={})
    assert (tmp_path / "deep/er/probes.toml").exists()
    write_import(replace(ready, path=None), environ={})


def test_what_the_service_reads_is_for_all_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prober.app.importing.SYSTEM_FILE", tmp_path / "etc" / "probes.toml")
    before = os.umask(0o077)
    try:
        write_import(ready_for(tmp_path / "etc" / "probes.toml", MONITOR), environ={})
        write_import(ready_for(tmp_path / "mine.toml", MONITOR), environ={})
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("etc", "etc/probes.toml", "mine.toml")]
    assert modes == [0o755, 0o644, 0o600]


def test_what_an_interrupted_import_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".probes.toml.new").write_text("half")
    write_import(ready_for(tmp_path / "probes.toml", MONITOR), environ={})
    assert [each.name for each in tmp_path.iterdir()] == ["probes.toml"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("moods", "error", "said"),
    [
        (["bad key"], ConfigError, "UptimeRobot does not accept the key in UR_KEY. Make a read-only key"),
        (["403"], ConfigError, "UptimeRobot does not accept the key in UR_KEY. Make a read-only key"),
        (["redirect"] * 3, NoAnswerError, "UptimeRobot could not be read: status 302"),
        (["cut"], NoAnswerError, "UptimeRobot could not be read: "),
        (["429"], ProberError, "UptimeRobot asks to wait 900 s. Nothing was written"),
    ],
)
async def test_what_stops_an_import_is_said_without_the_key(
    tmp_path: Path, moods: list[Any], error: type[ProberError], said: str
) -> None:
    theirs = realistic_account(lambda: T0)
    theirs.moods, theirs.retry_after = deque(moods), "900"
    with pytest.raises(error) as raised:
        await read(theirs, tmp_path / "probes.toml")
    assert str(raised.value).startswith(said)
    assert KEY not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.anyio
async def test_a_file_that_cannot_be_read_stops_it_before_anything_is_asked(tmp_path: Path) -> None:
    theirs = realistic_account(lambda: T0)
    (tmp_path / "broken.toml").write_text("[probe")
    for path in (tmp_path, tmp_path / "broken.toml"):
        with pytest.raises(InvalidConfig):
            await read(theirs, path)
    assert theirs.requests == []


@pytest.mark.anyio
async def test_the_key_is_shown_nowhere_wherever_an_account_holds_it(tmp_path: Path) -> None:
    theirs = realistic_account(lambda: T0, size=0)
    kinds: list[dict[str, Any]] = [
        {
            "name": f"a {KEY} b",
            "url": f"https://a.example/{KEY}?x={KEY}&{KEY}={KEY}",
            "tags": [KEY],
            "type": "KEYWORD",
            "keyword": f"x{KEY}",
            "custom_fields": {KEY: KEY},
        },
        {"name": KEY, "url": "https://h.example/", "headers": {KEY: KEY}, "username": KEY, "auth": "HTTP_BASIC"},
        {"name": "k", "url": "https://k.example", "method": KEY},
        {"name": KEY, "url": KEY, "type": "PING"},
        {"name": "h", "url": f"https://{KEY}.example/"},
    ]
    theirs.monitors += [Theirs(id=number, **fields) for number, fields in enumerate(kinds, 1)]
    ready = await read(theirs, tmp_path / "probes.toml")
    write_import(ready, environ={})
    assert KEY not in ready.text
    assert KEY.upper().replace("-", "_") not in ready.text
    assert [probe.id for probe in load(tmp_path / "probes.toml", ready.plan).probes] == ["a-b", "h-example"]
    assert KEY not in f"{report(ready.plan, target='a', is_written=True)}{shape(ready.plan, target='a', text=None)}"


@pytest.mark.parametrize("value", ["", "  ", "a b", "ü", "a\nb"])
def test_a_key_that_is_none_is_said_with_the_name_of_its_variable(value: str) -> None:
    with pytest.raises(ConfigError, match=r"Make a read-only key at UptimeRobot .*, and set UR_KEY to it\."):
        key_of("UR_KEY", {"UR_KEY": value})
    assert key_of("UR_KEY", {"UR_KEY": " u1-a "}) == "u1-a"


def test_what_stands_is_known_by_id_url_and_variable(tmp_path: Path) -> None:
    path = tmp_path / "probes.toml"
    assert present_in(path) == (Present(), None)
    path.write_text(
        'title = "${A} $${B} ${C:-c}"\n[defaults]\nslow = false\n[alert.email]\nto = ["a@b.example"]\n'
        '[alert.odd]\nto = "x"\n[[maintenance]]\ncron = "0 4 * * *"\n'
        '[probe]\nodd = 1\n[probe.a]\nurl = "https://A.example"\nuptimerobot_id = 5\n[probe.b]\nuptimerobot_id = "6"\n'
    )
    assert present_in(path)[0] == Present(
        ids=["a", "b"],
        monitor_ids=[5],
        urls={"https://a.example/": "a"},
        variables={"A", "C"},
        addresses=["a@b.example"],
        windows=[{"cron": "0 4 * * *"}],
        has_channels=True,
        has_defaults=True,
    )
    path.write_text("probe = 1\nalert = 2")
    assert present_in(path)[0] == Present(ids=[], monitor_ids=[], variables=set(), addresses=[], windows=[])


TEXT = st.text(max_size=20) | st.sampled_from(
    [
        '"quo\'tes\\"',
        "a\nb\r\x00",
        "👩‍💻🏳️‍🌈",
        "\u202eevil\u2066",
        "x" * 500,
        "${HOME}",
        "$$",
        "${",
        "",
        "# [probe.x]",
        "'''",
        '"""',
        "\x7f\x85\u2028",
    ]
)
PLAIN = TEXT.map(lambda text: re.sub("[\ud800-\udfff]", "\ufffd", text))
URL = PLAIN | st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https", "HTTPS", "ftp"]),
    st.sampled_from(["", "me@", "me:p@ss:w@", ":@", "%00:%0a@"]),
    st.sampled_from(
        ["a.example", "bücher.example", "[::1]", "127.0.0.1", "a b.example", "1.2.3.4.5", "a..b", "A.EXAMPLE."]
    ),
    st.sampled_from(["", ":80", ":0", ":99999", ":x"]),
    PLAIN.map("/{}".format)
    | st.sampled_from(["/?token=a&b=$x&${Y}=1", "?&=&a=b=c#d?e", "/a/${B}/%zz", "/" + "a1B2" * 9]),
)
NUMBER = st.none() | st.integers(-5, 10**7)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | PLAIN,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(PLAIN, inner, max_size=2),
    max_leaves=4,
)
COMPARISONS = [
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "greater_than",
    "less_than",
    "is_null",
    "is_not_null",
    "x",
]
ASSERTION = st.builds(
    Assertion,
    path=PLAIN | st.sampled_from(["$.a", "$['$x']", "a.b", "$..*", "$[?match(@, 'x')]"]),
    comparison=st.sampled_from(COMPARISONS),
    target=JSON,
)
MONITORS = st.builds(
    Monitor,
    id=st.integers(1, 2**62),
    kind=st.sampled_from(["http", "http", "keyword", "api", "ping", "odd \n"]),
    name=PLAIN,
    url=URL,
    is_paused=st.booleans(),
    interval_s=NUMBER,
    timeout_s=NUMBER,
    method=st.none() | st.sampled_from(["HEAD", "GET", "POST", "QUERY", ""]),
    follows_redirects=st.booleans(),
    success_codes=st.none() | st.lists(PLAIN | st.sampled_from(["2xx", "301", "404", "9xx"]), max_size=3).map(tuple),
    status_rules=st.lists(st.tuples(st.integers(0, 999), st.booleans()), max_size=3).map(tuple),
    keyword=st.none()
    | st.builds(Keyword, text=PLAIN.filter(bool), is_down_when_present=st.booleans(), ignores_case=st.booleans()),
    assertions=st.lists(ASSERTION, max_size=3).map(tuple),
    needs_all=st.booleans(),
    auth=st.sampled_from(["none", "basic", "bearer", "digest"]),
    username=PLAIN,
    password=PLAIN,
    headers=st.lists(PLAIN | st.sampled_from(["X-Key", "x-key", "Authorization", "Upgrade"]), max_size=3).map(tuple),
    body=st.none() | st.builds(Body, is_form=st.booleans(), fields=st.lists(PLAIN, max_size=2).map(tuple)),
    slow_ms=NUMBER.filter(lambda number: number is None or number > 0),
    certificate_days=NUMBER.filter(lambda number: number is None or 0 < number <= 365),
    ignores_certificate=st.booleans(),
    tags=st.lists(PLAIN, max_size=3).map(tuple),
    custom=st.lists(st.tuples(PLAIN | st.sampled_from(["runbook", "severity"]), PLAIN | URL), max_size=3).map(tuple),
    assignments=st.lists(st.builds(Assignment, contact=st.just("1"), after_min=st.integers(0, 99)), max_size=2).map(
        tuple
    ),
    windows=st.lists(st.sampled_from(["1", "2"]), max_size=2).map(tuple),
    rest=st.lists(PLAIN, max_size=2).map(tuple),
)
ACCOUNTS = st.builds(
    Account,
    monitors=st.lists(MONITORS, max_size=5, unique_by=lambda each: each.id).map(tuple),
    contacts=st.lists(
        st.builds(
            Contact,
            id=st.sampled_from("12"),
            kind=st.sampled_from(["e-mail", "SMS", "\n"]),
            value=PLAIN | st.just("$a@acme.example"),
            name=PLAIN,
        ),
        max_size=3,
    ).map(tuple),
    windows=st.lists(
        st.builds(
            Window,
            id=st.sampled_from("12"),
            recurrence=st.none() | st.sampled_from(["once", "daily", "weekly", "monthly"]),
            name=PLAIN,
            start_ms=st.none() | st.integers(-10, 2**60) | st.integers(T0, T0 + MIN_MS),
            minute=st.none() | st.integers(0, 1439),
            days=st.lists(st.integers(-1, 40), max_size=3).map(tuple),
            duration_min=st.integers(-1, 10**6),
        ),
        max_size=3,
    ).map(tuple),
    timezone=st.none() | PLAIN | st.sampled_from(["Europe/Berlin", "60", "-330"]),
    troubles=st.lists(PLAIN, max_size=1).map(tuple),
)
STANDING = '[defaults]\nslow = false\n[probe.api]\nurl = "https://a.example/"\nuptimerobot_id = 1\n'


@settings(max_examples=300)
@given(ACCOUNTS, st.booleans())
def test_whatever_an_account_holds_the_file_is_valid_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, account: Account, is_there: bool
) -> None:
    path = tmp_path_factory.mktemp("import") / "probes.toml"
    if is_there:
        path.write_text(STANDING)
    present, before = present_in(path)
    plan = planned(account, present, judge=judge, now_ms=T0)
    others = ("contact ", "maintenance window ")
    listed = [each for each in (*plan.known, *plan.skipped) if not each.name.startswith(others)]
    assert (
        len(plan.probes) + len(listed)
        <= len(account.monitors)
        <= len(plan.probes) + len(plan.known) + len(plan.skipped)
    )
    if not plan.probes:
        return
    text = added_text(plan, STANDING, key_name="K", url=None) if is_there else new_text(plan, key_name="K", url=None)
    write_import(Import(plan=plan, path=path, before=before, text=text), environ={})
    config = load(path, plan, HOME="not to be read")
    assert [probe.id for probe in config.probes if probe.id != "api" or not is_there] == [
        each.id for each in plan.probes
    ]
    for probe, carried in zip(config.probes[is_there:], plan.probes, strict=True):
        assert probe.uptimerobot_id == carried.monitor.id
        assert "not to be read" not in repr(probe)
