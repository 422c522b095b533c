from __future__ import annotations

from dataclasses import dataclass

import pytest

from prober.core.importing.account import Assignment, Contact
from prober.core.importing.plan import Channel, Note, Plan, Present, same_url
from tests.core.importing.tables import monitor, plan_of


def ids(plan: Plan) -> list[str]:
    return [probe.id for probe in plan.probes]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["API", "api", "Api!"], ["api", "api-2", "api-3"]),
        (["Bücher & Käse"], ["bucher-kase"]),
        (["", "日本", "\u202e"], ["acme-example", "acme-example-2", "acme-example-3"]),
        (["x" * 500, "x" * 500], ["x" * 64, "x" * 62 + "-2"]),
        (["--", "taken"], ["acme-example", "taken-2"]),
    ],
)
def test_ids_come_from_names_and_are_unique_also_beside_those_that_stand(names: list[str], expected: list[str]) -> None:
    monitors = [
        monitor(id=number, name=name, url=f"https://acme.example/{number}") for number, name in enumerate(names, 1)
    ]
    assert ids(plan_of(*monitors, present=Present(ids=["taken"]))) == expected


def test_an_id_shows_no_secret_and_exists_for_any_url() -> None:
    plan = plan_of(monitor(name="", url="https://ur-secret.example/"), known=("ur-secret",))
    assert ids(plan) == ["probe"]


def test_what_stands_already_is_left_out_and_said() -> None:
    present = Present(ids=["a", "b"], monitor_ids=[1], urls={same_url("https://ACME.example?key=${OTHER}&x=$$"): "b"})
    plan = plan_of(
        monitor(id=1, name="One"),
        monitor(id=2, name="Two", url="https://acme.example/?key=s3cret&x=$"),
        monitor(id=3, name="Three"),
        present=present,
    )
    assert ids(plan) == ["three"]
    assert [(each.name, each.why) for each in plan.known] == [
        ("One", "its uptimerobot_id stands there already"),
        ("Two", "its url is that of [probe.b] already: uptimerobot_id = 2 would link them"),
    ]
    assert plan.secrets == ()


@pytest.mark.parametrize("url", ["https://[::1/", "", "${URL}", "${URL"])
def test_any_url_of_a_file_can_be_compared(url: str) -> None:
    assert same_url(url) == same_url(url)
    assert same_url(url) != same_url("https://acme.example/")


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("API", "API_PASSWORD"),
        ("1st", "PROBE_1ST_PASSWORD"),
        ("SMTP", "PROBE_SMTP_PASSWORD"),
        ("github", "PROBE_GITHUB_PASSWORD"),
        ("a-b", "A_B_PASSWORD_2"),
    ],
)
def test_variables_have_names_of_their_own(name: str, variable: str) -> None:
    plan = plan_of(
        monitor(name=name, auth="basic", username="me", password="pw"), present=Present(variables=["A_B_PASSWORD"])
    )
    assert [each.name for each in plan.secrets] == [variable]


def test_two_probes_never_share_a_variable() -> None:
    plan = plan_of(
        monitor(id=1, name="api", headers=("x-token",)), monitor(id=2, name="api-x", auth="bearer", password="p")
    )
    assert [each.name for each in plan.secrets] == ["API_X_TOKEN", "API_X_TOKEN_2"]


def test_a_known_secret_is_guarded_wherever_it_stands() -> None:
    plan = plan_of(monitor(url="https://acme.example/x-ur-secret-y"), known=("ur-secret", "short"))
    assert plan.probes[0].keys["url",] == "https://acme.example/${API_PATH}"


OPS = Contact(id="1", kind="e-mail", value="ops@acme.example", name="Ops")


@dataclass(frozen=True, slots=True)
class Told:
    contact: str = "1"
    after_min: int = 0
    again_min: int = 0

    def of(self) -> tuple[Assignment, ...]:
        return (Assignment(contact=self.contact, after_min=self.after_min, again_min=self.again_min),)


def test_active_addresses_become_one_channel_with_the_shortest_reminder() -> None:
    again = Contact(id="2", kind="e-mail", value="ops@acme.example")
    plan = plan_of(
        monitor(id=1, assignments=Told(again_min=60).of()),
        monitor(id=2, assignments=Told(again_min=30).of()),
        monitor(id=3, assignments=Told("2").of()),
        contacts=(OPS, again),
    )
    assert plan.channel == Channel(to=("ops@acme.example",), remind="30m")
    assert [each.what for each in plan.notes] == [
        "ops@acme.example heard of 2 of these 3 and will hear of all: tags of a channel change that",
        "ops@acme.example heard of 1 of these 3 and will hear of all: tags of a channel change that",
        "reminders came after 30, 60 minutes for 2 of these 3: here there is one time for all",
    ]


def test_without_reminders_there_is_none() -> None:
    plan = plan_of(monitor(assignments=Told().of()), contacts=(OPS,))
    assert (plan.channel, plan.notes) == (Channel(to=("ops@acme.example",)), ())


@pytest.mark.parametrize(
    ("contact", "name", "why"),
    [
        (Contact(id="5", kind="SMS", value="+1555", name="On call"), "contact On call", "SMS: prober sends mail only"),
        (Contact(id="5", kind="webhook", value="https://a/?token=x"), "contact 5", "webhook: prober sends mail only"),
        (
            Contact(id="5", kind="e-mail", value="a@b.example", is_active=False),
            "contact a@b.example",
            "it is not active",
        ),
        (Contact(id="5", kind="e-mail", value="me"), "contact me", "it is not a mail address"),
    ],
)
def test_who_cannot_be_mailed_is_listed_without_the_address_of_a_channel(contact: Contact, name: str, why: str) -> None:
    plan = plan_of(monitor(), contacts=(contact,))
    assert [(each.name, each.why) for each in plan.skipped] == [(name, why)]
    assert plan.channel is None


def test_a_file_that_says_who_is_told_keeps_its_say() -> None:
    plan = plan_of(monitor(), contacts=(OPS,), present=Present(has_channels=True))
    assert plan.channel is None
    assert plan.notes == (Note(what="the file says already who is told: ops@acme.example not added"),)


def test_a_reminder_of_some_that_all_will_have_is_said() -> None:
    plan = plan_of(
        monitor(id=1, assignments=Told(again_min=10).of()), monitor(id=2, assignments=Told().of()), contacts=(OPS,)
    )
    assert plan.channel == Channel(to=("ops@acme.example",), remind="10m")
    assert [each.what for each in plan.notes] == [
        "reminders came after 10 minutes for 1 of these 2: here there is one time for all"
    ]


def test_a_reminder_that_all_have_needs_no_word() -> None:
    assert plan_of(monitor(assignments=Told(again_min=10).of()), contacts=(OPS,)).notes == ()


def test_a_reminder_that_the_channel_of_a_file_may_not_have_is_said() -> None:
    present = Present(has_channels=True, addresses=["ops@acme.example"])
    plan = plan_of(monitor(assignments=Told(again_min=10).of()), contacts=(OPS,), present=present)
    assert [each.what for each in plan.notes] == [
        "reminders came after 10 minutes for 1 of these 1: not added, what the file says holds"
    ]


def test_who_is_told_already_is_not_said_to_be_missing() -> None:
    new = Contact(id="2", kind="e-mail", value="new@acme.example")
    present = Present(has_channels=True, addresses=["ops@acme.example"])
    assert plan_of(monitor(), contacts=(OPS,), present=present).notes == ()
    (note,) = plan_of(monitor(), contacts=(OPS, new), present=present).notes
    assert note.what == "the file says already who is told: new@acme.example not added"


def test_what_is_the_same_of_several_is_said_once() -> None:
    plan = plan_of(
        monitor(id=1, name="a", interval_s=60, timeout_s=60, ignores_certificate=True),
        monitor(id=2, name="b", interval_s=60, timeout_s=60),
        present=Present(has_defaults=True),
        troubles=("something cannot be read",),
    )
    assert plan.all_notes == (
        Note(what="something cannot be read"),
        Note(what="[defaults] of the file hold for the new probes too, where they say nothing else"),
        Note(what="checked more often than every 5 minutes: the service can, GitHub Actions cannot", ids=("a", "b")),
        Note(what="a bad certificate is a failure here, and was none there: verify = false undoes it", ids=("a",)),
        Note(what="its timeout of 1m became 48s: it must be below the interval", ids=("a", "b")),
    )


def test_a_certificate_is_judged_of_https_alone() -> None:
    plan = plan_of(monitor(url="http://acme.example/", ignores_certificate=True))
    assert plan.notes == ()


def test_an_empty_account_is_an_empty_plan() -> None:
    assert plan_of(contacts=(OPS,)) == Plan(probes=())


def test_a_monitor_without_a_name_is_called_by_its_number() -> None:
    assert plan_of(monitor(kind="ping", name="\u202e")).skipped[0].name == "monitor 7"
