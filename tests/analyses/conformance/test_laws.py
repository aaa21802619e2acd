"""Laws of verdicts that hold on any history, whatever the verdicts are."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.dialects import select
from studies.simulation.histories import sessions
from support.histories import Ex, Present, recording

KEYS = {key for name in ("zest", "52eseller") for key in select(name)[0].session_keys}

seeds = st.integers(0, 2**32)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_who_else_sends_adds_no_fault_to_a_key(seed):
    """A key is judged by what its session was given: two senders, and one that does what both do.

    What a request presents beside it may be excused by what its sender has from other sessions.
    """
    chance = Random(seed)
    one = [of_sender(ex, "one") for ex in visits(chance)]
    later = chance.choice((0, 1000, 5000))
    other = [of_sender(ex, "other", suffix="x", later=later) for ex in visits(chance)]
    assume(one and other)
    both = [dataclasses.replace(ex, client="both") for ex in (*one, *other)]
    keys = {(number, p.param) for number, ex in enumerate(both, 1) for p in presented_keys(ex)}
    assert faults(both) & keys <= faults([*one, *other])


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_what_comes_later_adds_no_fault_to_what_came_before(seed):
    """It can only excuse it: by the sessions that the sender turns out to hold."""
    chance = Random(seed)
    history = sorted(sessions(chance), key=lambda ex: ex.start)
    before = history[: chance.randint(0, len(history))]
    began = history[len(before)].start if len(before) < len(history) else None
    assume(before and began is not None)
    assume(all((ex.ended or ex.start) < began for ex in before))
    seen = {fault for fault in faults(history) if fault[0] <= len(before)}
    assert seen <= faults(before)


def visits(chance: Random) -> Sequence[Ex]:
    """What one sender sends."""
    return [ex for ex in sessions(chance) if ex.client == "app"]


def of_sender(ex: Ex, client: str, *, suffix: str = "", later: float = 0) -> Ex:
    """The exchange as that of another sender, with values of its own."""

    def moved(at: float | None) -> float | None:
        return None if at is None else at + later

    return dataclasses.replace(
        ex,
        client=client,
        start=ex.start + later,
        begun=moved(ex.begun),
        ended=moved(ex.ended),
        issued=[dataclasses.replace(i, value=i.value + suffix) for i in ex.issued],
        presented=[
            dataclasses.replace(p, value=p.value + suffix) if p.kind == "value" else p
            for p in ex.presented
        ],
    )


def presented_keys(ex: Ex) -> Iterator[Present]:
    """The values of session keys that the request presents."""
    return (p for p in ex.presented if p.param in KEYS and p.kind == "value")


def faults(history: Iterable[Ex]) -> set[tuple[int, str]]:
    """The exchanges and parameters of the verdicts that are faults."""
    rows = verdicts(recording(history)).rows()
    return {(row["exchange_id"], row["param"]) for row in rows if row["fault"]}
