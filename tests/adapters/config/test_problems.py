"""What an invalid file is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prober.adapters.config.addresses import read_url
from prober.adapters.config.kinds import Invalid
from prober.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.config.conftest import Load, Problems

PROBE = '[probe.api]\nurl = "https://api.example.com/health"\n'
UPTIMEROBOT = '[standby]\nbehind = "uptimerobot"\napi_key = "ur-1"\n'
PRIMARY = '[standby]\nbehind = "prober"\nurl = "https://web-1.example/status.json"\n'
EMAIL = '[alert.email]\nto = ["a@b.c"]\nfrom = "a@b.c"\nserver = "smtp.example.com"\n'


def test_every_problem_is_told_at_once_with_line_caret_and_suggestion(problems: Problems) -> None:
    assert problems(f'{PROBE}timeot = "9s"\n\n[defaults]\ninterval = "5min"') == (
        'probes.toml:3:1: error: unknown key "timeot" in [probe.api]\n'
        '    3 | timeot = "9s"\n'
        '      | ^^^^^^ did you mean "timeout"?\n'
        'probes.toml:6:12: error: "5min" is not a duration (write "5m")\n'
        '    6 | interval = "5min"\n'
        "      |            ^^^^^^\n"
        "2 errors."
    )


def test_one_problem_is_one_error(problems: Problems) -> None:
    assert problems(f"{PROBE}name = 5").endswith("\n1 error.")


def test_invalid_configuration_ends_with_exit_code_3(load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load("")
    assert caught.value.exit_code == 3


def test_the_same_problem_of_the_defaults_is_told_once(problems: Problems) -> None:
    text = '[defaults]\ntimeout = "5m"\n[probe.a]\nurl = "http://h"\n[probe.b]\nurl = "http://h"'
    assert problems(text).endswith("\n1 error.")


@pytest.mark.parametrize(
    ("line", "where", "message"),
    [
        ("interval = 300", "3:12", '300 is not a duration (write "300s" or "5m")'),
        ("interval = 30", "3:12", '30 is not a duration (write "30s")'),
        ("interval = 1.5", "3:12", '1.5 is not a duration (write it like "30s" or "5m")'),
        ('interval = "999ms"', "3:12", '"999ms" is too short (at least 1s)'),
        ('interval = "1d1ms"', "3:12", '"1d1ms" is too long (at most 1d)'),
        ('timeout = "40000d"', "3:11", '"40000d" is longer than 100 years'),
        ('timeout = "5m"', "3:11", "the timeout (5m) must be below the interval (5m)"),
        ('recheck = "0s"', "3:11", '"0s" is too short (at least 1ms)'),
        (
            'headers.Content-Length = "5"',
            "3:9",
            '"Content-Length" cannot be set: how a request is framed is up to prober',
        ),
        ('headers.transfer-encoding = "chunked"', "3:9", '"transfer-encoding" cannot be set'),
        ('headers.Upgrade = "h2c"', "3:9", '"Upgrade" cannot be set'),
        ('verify = false\nexpect.certificate = "7d"', "4:22", "expect.certificate says nothing with verify = false"),
        (
            'auth = { username = "a", password = "b" }\nheaders = { Authorization = "Bearer x" }',
            "4:13",
            "auth and an Authorization header are both given (leave out one of them)",
        ),
        ('expect.json.a = ["==", 2026-01-01]', "3:17", '2026-01-01 is not a value of JSON (write "2026-01-01")'),
        ("slow = true", "3:8", 'true is not a duration (write it like "30s" or "5m")'),
        ('slow = "0s"', "3:8", '"0s" is too short (at least 1ms)'),
        ("failures = 0", "3:12", "0 is not between 1 and 1000"),
        ("failures = true", "3:12", "true is not a whole number"),
        ('failures = "3"', "3:12", '"3" is not a whole number (write 3 without quotes)'),
        (f"failures = 1{'0' * 4200}", "3:12", "the number is not between 1 and 1000"),
        ("target = 0", "3:10", "0 is not a percentage above 0 and at most 100"),
        ("target = nan", "3:10", "nan is not a percentage above 0 and at most 100"),
        ('target = "x"', "3:10", '"x" is not a number'),
        ("enabled = 1", "3:11", "1 is neither true nor false"),
        ('enabled = "true"', "3:11", '"true" is neither true nor false (write true without quotes)'),
        ("enabled = []", "3:11", "a list is neither true nor false"),
        ("name = 2020-01-01", "3:8", "2020-01-01 is not text"),
        ("name = {}", "3:8", "a table is not text"),
        ("name = 5", "3:8", '5 is not text (write "5")'),
        ('name = ""', "3:8", '"" is empty'),
        ('severity = "p1"', "3:12", '"p1" is not one of P0, P1, P2, P3 (write "P1")'),
        ("severity = 1", "3:12", "1 is not one of P0, P1, P2, P3"),
        ('tags = "prod"', "3:8", '"prod" is not a list (write ["prod"])'),
        ("tags = 5", "3:8", "5 is not a list"),
        ('tags = ["a", 5]', "3:14", '5 is not text (write "5")'),
        ("redirects = 21", "3:13", "21 is not between 0 and 20"),
        ('method = "TRACE"', "3:10", '"TRACE" is not one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'),
        ('headers = "x"', "3:11", "headers is a table of names and values"),
        ('headers = { "a b" = "x" }', "3:13", '"a b" is not the name of a header'),
        (r'headers = { a = "x\ny" }', "3:17", "a header's value holds a control character or is not ASCII"),
        ('headers = { a = "ü" }', "3:17", "a header's value holds a control character or is not ASCII"),
        ('headers = { a = "1", A = "2" }', "3:22", 'headers "a" is given twice'),
        ('auth.username = "x"', "3:6", "auth.username is given without auth.password"),
        ('auth.password = "x"', "3:6", "auth.password is given without auth.username"),
        ('auth = "x:y"', "3:8", "probe.api.auth is a table and holds further keys: username, password"),
        (
            'auth = { username = "a:b", password = "" }',
            "3:21",
            "a user name of HTTP basic authentication holds no colon",
        ),
        (r'auth = { username = "a", password = "a\nb" }', "3:37", "a password holds no control character"),
        ("expect.status = []", "3:17", "the list is empty"),
        ("expect.status = 99", "3:17", '99 is not a status (write 200, "2xx" or "200-299")'),
        ('expect.status = [200, "6xx"]', "3:23", '"6xx" is not a status (write 200, "2xx" or "200-299")'),
        ('expect.status = "500-400"', "3:17", '"500-400" ends before it begins (write "400-500")'),
        ('expect.body.matches = "("', "3:23", "the regular expression does not compile: missing ) at position 1"),
        ('expect.bdy.contains = "x"', "3:8", 'unknown key "expect.bdy" in [probe.api]'),
        ("expect.json = 5", "3:15", "expect.json is a table of names and values"),
        ('expect.json.a = "<= x"', "3:17", '"<=" compares with a number only (to mean a text: ["==", "<text"])'),
        ('expect.json.a = "< true"', "3:17", '"<" compares with a number only'),
        ('expect.json.a = "> 1e999"', "3:17", "inf is not a value of JSON"),
        ('expect.json.a = "!="', "3:17", '"!=" compares with nothing'),
        (
            """expect.json.a = '!= "x'""",
            "3:17",
            '"!= "x" holds a quoted text that does not end or has something behind it',
        ),
        ("expect.json.a = inf", "3:17", "inf is not a value of JSON"),
        ("expect.json.a = 2020-01-01", "3:17", '2020-01-01 is not a value of JSON (write "2020-01-01")'),
        ("expect.json.a = []", "3:17", "a condition is [operator, value], or a list of such"),
        ('expect.json.a = [["<", 1], ["=", 2]]', "3:28", "a condition is [operator, value], or a list of such"),
        ('expect.json.a = ["in", "x"]', "3:17", '"in" takes a list of values (["in", ["ready", "ok"]])'),
        ('expect.json.a = ["exists", 1]', "3:17", '"exists" takes true or false'),
        ('expect.json.a = ["~", 1]', "3:17", '"~" takes a regular expression'),
        ('expect.json.a = "~ ("', "3:17", "the regular expression does not compile"),
        ("expect.json.a = {}", "3:17", "a table is no condition"),
        ('expect.json = { a = { b = 1 }, "a.b" = 2 }', "3:32", 'expect.json "a.b" is given twice'),
        ('expect.json."a..b" = 1', "3:13", '"a..b" has an empty part'),
        ('expect.json."" = 1', "3:13", '"" has an empty part'),
        ('expect.json."$[" = 1', "3:13", '"$[" is not a JSONPath that prober takes'),
        ("expect.json.\"$.a[?match(@.b, 'x')]\" = 1", "3:13", "match() is refused, it could run for minutes"),
        ("expect.json.\"$.a[?search(@.b, 'x')]\" = 1", "3:13", "search() is refused"),
        (
            'expect.json."$.a" = { b = 1 }',
            "3:21",
            'a table is no condition (write ["==", { ... }] to compare with one)',
        ),
        ('ca = "missing.pem"', "3:6", "the file of ca cannot be used: there is no such file"),
        ('ca = "probes.toml"', "3:6", "the file of ca cannot be used: it holds no PEM certificate"),
        ('ca = "."', "3:6", "the file of ca cannot be used: it is a directory"),
    ],
)
def test_a_wrong_value_of_a_probe_is_told_where_it_stands(
    problems: Problems, line: str, where: str, message: str
) -> None:
    text = problems(PROBE + line)
    assert f"probes.toml:{where}: error: " in text
    assert message in text
    assert text.endswith("\n1 error.")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", '"" is not an http or https URL (write "https://...")'),
        ("example.com", '"example.com" is not an http or https URL (write "https://...")'),
        ("ftp://example.com", '"ftp://example.com" is not an http or https URL'),
        ("file:///etc/passwd", "is not an http or https URL"),
        ("http://", '"http://" has no host'),
        ("http://:80/", "has no host"),
        ("http://h:0/", '"http://h:0/" has port 0 (ports go from 1 to 65535)'),
        ("http://h:99999/", "is not a URL: its host or port cannot be read"),
        ("http://h:x/", "is not a URL: its host or port cannot be read"),
        ("http://[::1/", "is not a URL: its host or port cannot be read"),
        ("http://.][::1", "is not a URL: "),
        ("http://[::1]x/", "is not a URL: "),
        ("http://x[::1]/", "is not a URL: "),
        ("http://[fe80::1%25eth0]/", "holds an IPv6 zone, which is not supported"),
        ("http://[v1.x]/", "does not hold a valid IP address"),
        ("http://256.1.1.1/", "does not hold a valid IP address"),
        ("http://127.1/", "does not hold a valid IP address"),
        ("http://0x7f.0x1/", "does not hold a valid IP address"),
        ("http://a b/", '"http://a b/" holds a space or a control character (write %20 for a space)'),
        (r"http://h/\u0000", "holds a space or a control character"),
        (r"http://h/\n", "holds a space or a control character"),
        (r"http://h\u2028/", "holds a space or a control character"),
        ("http://-a/", "does not hold a valid host name"),
        ("http://a..b/", "does not hold a valid host name"),
        (f"http://{'a' * 64}/", "does not hold a valid host name"),
        (f"http://{'a.' * 127}a/", "does not hold a valid host name"),
        ("http://xn--/", "does not hold a valid international host name"),
        ("http://☃.example/", "does not hold a valid international host name"),
        (
            "http://user:hunter22@h/",
            "credentials in a URL are refused (use headers or auth, and ${NAME} for the secret)",
        ),
        (f"http://h/{'a' * 9000}", "the URL has more than 8192 characters"),
    ],
)
def test_a_url_that_cannot_be_requested_is_refused(problems: Problems, url: str, message: str) -> None:
    text = problems(f'[probe.api]\nurl = "{url}"')
    assert message in text
    assert "probes.toml:2:7: error" in text
    assert "hunter22" not in text


@pytest.mark.parametrize("url", ["5", "[]", "{}"])
def test_a_url_is_text(problems: Problems, url: str) -> None:
    assert "is not a URL" in problems(f"[probe.api]\nurl = {url}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: error: there is no probe; two lines are enough: [probe.api] and url ="),
        ("[probe]", "there is no probe"),
        ("probe = 5", "1:9: error: probe is a table of tables (write [probe.api])"),
        ('[probe]\nurl = "http://h"', '2:1: error: "url" must stand in a table with an id (write [probe.api])'),
        ('[probe.api]\nname = "x"', '1:8: error: [probe.api] has no url (write url = "https://...")'),
        ('[probe.Api]\nurl = "http://h"', '1:8: error: "Api" is not an id'),
        (f'[probe.{"a" * 65}]\nurl = "http://h"', "is not an id"),
        ('[probe."-"]\nurl = "http://h"', '"-" is not an id'),
        ('interval = "5m"\n' + PROBE, "write it in [defaults] or in a [probe.<id>]"),
        (PROBE + "[defaults]\nx = 1", '4:1: error: unknown key "x" in [defaults]'),
        (PROBE + "[standby]", '3:2: error: [standby] has no behind (write behind = "uptimerobot")'),
        (PROBE + '[standby]\nbehind = "pingdom"', '4:10: error: "pingdom"'),
        (PROBE + '[standby]\nbehind = "uptimerobot"', "3:2: error: [standby] has no api_key (write api_key = "),
        (PROBE + '[standby]\nbehind = "prober"', "3:2: error: [standby] has no url (write url = "),
        (PROBE + PRIMARY + 'api_key = "ur-1"', "6:1: error: api_key is for UptimeRobot"),
        (PROBE + UPTIMEROBOT + 'url = "http://proxy.example/v2/"', "6:7: error: this would send the key in clear text"),
        (PROBE + UPTIMEROBOT + 'every = "100ms"', '6:9: error: "100ms"'),
        (PROBE + '[heartbeat]\nurl = "x"', '4:7: error: "x"'),
        (PROBE + '[store]\nkeep = "23h"', '4:8: error: "23h"'),
        (PROBE + EMAIL + 'remind = "900ms"', '7:10: error: "900ms"'),
        ("defaults = 5\n" + PROBE, "1:12: error: defaults is a table and holds further keys: url, name"),
        ('[probe.a]\nurl = "http://h"\nexpect.certificate = "7d"', "expect.certificate needs an https url"),
        (PROBE + "[connectivity]\nurls = []", "4:8: error: the list is empty"),
        (PROBE + "[connectivity]\nurls = ['http://h', 'h']", "4:21: error: "),
        (PROBE + "[alert]\nto = []", '4:1: error: "to" must stand in a table with an id (write [alert.email])'),
        (PROBE + "[alert.email]", "[alert.email] has no to (write to ="),
        (PROBE + "[alert.email]", "[alert.email] has no from (write from ="),
        (PROBE + "[alert.email]", "[alert.email] has no server (write server ="),
        (PROBE + EMAIL.replace(".email", ".ops"), '[alert.ops] has no kind (write kind = "email")'),
        (PROBE + EMAIL + 'username = "x"', "username is given without password"),
        (PROBE + EMAIL + "port = 0", "0 is not between 1 and 65535"),
        (PROBE + EMAIL + 'kind = "sms"', '"sms" is not one of email'),
        (
            PROBE + EMAIL + 'security = "none"\nusername = "x"\npassword = "y"',
            '7:12: error: this would send the password in clear text (write "starttls" or "tls")',
        ),
        (PROBE + EMAIL.replace("smtp.example.com", "smtp example"), '"smtp example" does not hold a valid host name'),
        (PROBE + EMAIL.replace('"smtp.example.com"', "5"), "5 is not the name of a server"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(problems: Problems, text: str, message: str) -> None:
    assert message in problems(text)


@pytest.mark.parametrize(
    "address",
    [
        *("ops", "@b.c", "a@", "Ops <a@b.c>", "a@b.c, d@e.f", "a b@c.d", r"a@b.c\nBcc: x@y.z"),
        *("ü@b.c", "a@ü.c", ".a@b.c", "a@b..c", "x" * 65 + "@b.c"),
    ],
)
def test_what_is_no_plain_mail_address_is_refused(problems: Problems, address: str) -> None:
    text = problems(PROBE + EMAIL.replace('["a@b.c"]', f'["ok@b.c", "{address}"]'))
    assert "probes.toml:4:17: error: " in text
    assert "is not a mail address" in text


def test_mail_addresses_are_text(problems: Problems) -> None:
    assert "5 is not a mail address" in problems(PROBE + EMAIL.replace('from = "a@b.c"', "from = 5"))


@pytest.mark.parametrize("server", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "LOCALHOST."])
def test_credentials_may_go_to_this_machine_in_clear_text(load: Load, server: str) -> None:
    channel = EMAIL.replace("smtp.example.com", server) + 'security = "none"\nusername = "x"\npassword = "y"'
    assert load(PROBE + channel).channels[0].server == server


@pytest.mark.parametrize("server", ["127.evil.example", "smtp.example.com", "10.0.0.1", "::2"])
def test_credentials_go_nowhere_else_in_clear_text(problems: Problems, server: str) -> None:
    channel = EMAIL.replace("smtp.example.com", server) + 'security = "none"\nusername = "x"\npassword = "y"'
    assert "clear text" in problems(PROBE + channel)


def test_a_probes_own_interval_is_blamed_for_what_the_defaults_allow(problems: Problems) -> None:
    text = f'[defaults]\ntimeout = "1m"\n{PROBE}interval = "30s"'
    assert "probes.toml:5:12: error: the timeout (1m) must be below the interval (30s)" in problems(text)


def test_a_broken_value_causes_no_further_problem(problems: Problems) -> None:
    text = f'{PROBE}interval = "x"\ntimeout = "1h"\nca = 5\nauth = {{ username = "", password = "y" }}'
    assert problems(text).endswith("\n3 errors.")


def test_more_than_10_000_probes_are_refused(problems: Problems) -> None:
    text = problems("".join(f'[probe.p{number}]\nurl = "http://h"\n' for number in range(10_001)) + "x = 1")
    assert "there are 10,001 probes, at most 10,000 are allowed" in text
    assert 'unknown key "x"' in text
    assert text.endswith("\n2 errors.")


def test_a_damaged_certificate_is_told(problems: Problems, tmp_path: Path) -> None:
    for name, inside in (("a", "garbage"), ("b", "AAAA"), ("c", "ü"), ("d", "")):
        (tmp_path / name).write_text(f"-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n")
        assert "the file of ca cannot be used: a certificate in it is damaged" in problems(f'{PROBE}ca = "{name}"')


def test_auth_of_a_probe_is_blamed_beside_a_header_of_the_defaults(problems: Problems) -> None:
    text = f'[defaults.headers]\nAuthorization = "x"\n{PROBE}auth = {{ username = "a", password = "b" }}'
    assert "probes.toml:5:10: error: auth and an Authorization header are both given" in problems(text)


def test_the_reader_of_a_url_alone_says_what_is_wrong_without_the_url() -> None:
    with pytest.raises(Invalid, match=r"^the value has port 0 \(ports go from 1 to 65535\)$") as caught:
        read_url("http://h:0/")
    assert caught.value.text("http://u:p@h:0/", is_expanded=False, is_secret=False).startswith('"http://***@h:0/" has')


def test_a_long_line_is_cut_around_its_problem(problems: Problems) -> None:
    text = problems(f'[probe.api]\nheaders = {{ a = "{"x" * 500}", "b c" = "", d = "{"y" * 500}" }}\nurl = "http://h"')
    line, caret = text.split("\n")[1:3]
    assert len(line) < 140
    assert line[caret.index("^") :].startswith('"b c"')


def test_nothing_in_the_file_moves_a_cursor(problems: Problems) -> None:
    text = problems(PROBE + '"\\u001b[31m\\u202e" = 1\nname = "a\u202eb\\u001b[0m" # \t\u202e\nx = 1')
    assert all(line.isprintable() for line in text.split("\n"))


def test_a_file_elsewhere_is_named_by_its_whole_path(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr("pathlib.Path.cwd", lambda: tmp_path / "elsewhere")
    with pytest.raises(ConfigError) as caught:
        load("")
    assert str(caught.value).startswith(f"{tmp_path}/probes.toml:1:1: error: ")
