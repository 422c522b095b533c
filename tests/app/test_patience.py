"""Coming back when an API allows it again."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import anyio
import pytest

from prober.app.patience import Patient
from prober.core.facts import Answer
from prober.errors import NoAnswerError
from tests.fakes import jumping_time

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.anyio

WELL = Answer(status=200, body=b"well")


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, object]]:
    return jumping_time()


def limited(wait_s: int) -> Answer:
    return Answer(status=429, headers=(("retry-after", str(wait_s)),))


class Script:
    """An API that answers with these, one after the other."""

    def __init__(self, *answers: Answer | NoAnswerError) -> None:
        self._left = list(answers)
        self.waited_s: list[float] = []

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str] = MappingProxyType({}), body: bytes = b""
    ) -> Answer:
        assert (method, url, headers, body) == ("POST", "https://a.example/", {"a": "b"}, b"c")
        answer = self._left.pop(0)
        if isinstance(answer, NoAnswerError):
            raise answer
        return answer

    async def asked(self, times: int = 1, *, most_ms: int = 100_000) -> list[int]:
        """Return the statuses of so many questions; what was told and what was waited is kept, in seconds."""
        told: list[int] = []
        patient = Patient(self, tell=told.append, most_ms=most_ms)
        began = anyio.current_time()
        ask = [await patient("POST", "https://a.example/", headers={"a": "b"}, body=b"c") for _ in range(times)]
        assert anyio.current_time() - began == pytest.approx(sum(told) / 1000)
        self.waited_s = [wait_ms / 1000 for wait_ms in told]
        return [answer.status for answer in ask]


async def test_an_answer_is_passed_on_at_once() -> None:
    script = Script(WELL, Answer(status=500))
    assert (await script.asked(2), script.waited_s) == ([200, 500], [])


async def test_who_is_asked_to_wait_waits_and_asks_again() -> None:
    script = Script(limited(30), limited(7), WELL)
    assert (await script.asked(), script.waited_s) == ([200], [30, 7])


async def test_waiting_is_bounded_over_all_questions() -> None:
    script = Script(limited(60), WELL, limited(41), limited(40), WELL)
    assert (await script.asked(3), script.waited_s) == ([200, 429, 200], [60, 40])


async def test_no_answer_stays_none() -> None:
    with pytest.raises(NoAnswerError):
        await Script(limited(1), NoAnswerError("connection refused")).asked()
