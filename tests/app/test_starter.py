from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.adapters.config import load_config
from prober.app.starter import starter_text

if TYPE_CHECKING:
    from prober.core.settings import Config

ROOT = Path(__file__).parents[2]


def load(tmp_path: Path, text: str, **environ: str) -> Config:
    (tmp_path / "probes.toml").write_text(text)
    return load_config(tmp_path / "probes.toml", environ=environ, host_name="host-1")


@pytest.mark.parametrize("urls", [(), ("https://a.example",), ("https://a.example/x", "http://b.example/")])
@pytest.mark.parametrize("email", [None, "me@acme.example"])
def test_the_starter_is_valid_at_once_without_any_variable(
    tmp_path: Path, urls: tuple[str, ...], email: str | None
) -> None:
    config = load(tmp_path, starter_text(urls, email))
    assert tuple(probe.url for probe in config.probes) == (urls or ("https://example.com/",))
    assert {probe.recheck_ms for probe in config.probes} == {60_000}
    assert len(config.connectivity_urls) == 2
    assert all(url.startswith("https://") for url in config.connectivity_urls)
    assert [channel.to for channel in config.channels] == ([(email,)] if email else [])


def test_an_address_makes_a_channel_that_works_with_a_relay_on_this_machine(tmp_path: Path) -> None:
    (channel,) = load(tmp_path, starter_text((), "me@acme.example")).channels
    assert (channel.sender, channel.server, channel.port, channel.security) == (
        "me@acme.example",
        "localhost",
        25,
        "none",
    )


@pytest.mark.parametrize("email", [None, "me@acme.example"])
def test_what_stands_in_comments_is_valid_too(tmp_path: Path, email: str | None) -> None:
    text = starter_text(("https://a.example",), email)
    head, alert = text.split("[alert.email]")
    if email:
        alert = re.sub(r"^(server|security) .*\n", "", alert, flags=re.MULTILINE)
    uncommented = re.sub(r"^# (?=\w+(\.\w+)* *=)", "", f"{head}\n[alert.email]{alert}", flags=re.MULTILINE)
    config = load(tmp_path, uncommented, API_TOKEN="token-1", SMTP_USERNAME="user", SMTP_PASSWORD="password")
    assert config.probes[0].severity == "P0"
    assert (config.channels[0].server, config.channels[0].password) == ("smtp.example.com", "password")


@pytest.mark.parametrize(
    ("urls", "ids"),
    [
        (("https://api.acme.example/api/health",), ("api-acme-example-health",)),
        (
            ("https://h.example/", "https://h.example", "http://H.example:80"),
            ("h-example", "h-example-2", "h-example-3"),
        ),
        (("http://[::1]:8080/",), ("1",)),
        (("https://bücher.example/Ü",), ("bucher-example-u",)),
        ((f"https://{'a' * 60}.example/health",) * 2, ("a" * 60 + "-exa", "a" * 60 + "-e-2")),
        (("https://h/a_b.c?d=e",), ("h-a-b-c",)),
    ],
)
def test_ids_come_from_host_and_path(tmp_path: Path, urls: tuple[str, ...], ids: tuple[str, ...]) -> None:
    assert tuple(probe.id for probe in load(tmp_path, starter_text(urls, None)).probes) == ids


@given(st.lists(st.from_regex(r"https?://[a-z0-9_:.\[\]-]*/[^\s]{0,80}", fullmatch=True), max_size=5))
def test_ids_are_valid_and_unique_whatever_the_urls(urls: list[str]) -> None:
    valid = [url for url in urls if _is_split(url)]
    ids = re.findall(r"^\[probe\.(.*)\]$", starter_text(valid, None), re.MULTILINE)
    assert all(re.fullmatch("[a-z0-9][a-z0-9_-]{0,63}", probe_id) for probe_id in ids)
    assert len(set(ids)) == len(ids) == max(1, len(valid))


def _is_split(url: str) -> bool:
    try:
        return bool(starter_text((url,), None))
    except ValueError:
        return False


def test_the_file_at_the_top_of_the_repository_is_the_starter() -> None:
    assert (ROOT / "probes.toml").read_text() == starter_text((), None)
