"""What must not matter: the order of a tick's signals, a restart, and how many there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warning.policy.signals import (
    CATEGORY,
    CONFIG,
    DAY,
    FINAL,
    HOUR,
    LONG_AGO,
    MONDAY,
    PROVISIONAL,
    QUARTER,
    TOTAL,
    WITHDRAWN,
    Desk,
    example,
    hours,
    register,
    signal,
    total,
    weak,
)
from tests.warning.policy.test_causes import signals
from warning.domain.alert import Alert
from warning.domain.signal import Signal
from warning.policy import alerting
from warning.policy.alerting import AlertPolicy
from warning.policy.episode import same_cause

variants = st.tuples(
    signals,
    st.sampled_from([FINAL, FINAL, PROVISIONAL, WITHDRAWN]),
    st.sampled_from([20.0, 1e5, 1e7]),
    st.booleans(),
).map(
    lambda pick: replace(
        pick[0],
        state=pick[1],
        recurrence_interval_days=pick[2],
        examples=(example(pick[0].id),) if pick[3] else (),
    )
)
ticks = st.lists(
    st.tuples(
        st.lists(variants, max_size=8, unique_by=lambda each: each.id),
        st.sampled_from([0, 1, 1, 30]),
    ),
    max_size=6,
)


def _run(policy: AlertPolicy, what: list[tuple[list[Signal], int]], first: int = 0) -> list[list[Alert]]:
    """Judge ticks; the watermark follows the clock at a distance of a day."""
    now, answers = MONDAY + hours(first), []
    for batch, pause in what:
        now += hours(pause)
        answers.append(policy.judge(batch, now, now - timedelta(days=1)))
    return answers


@given(ticks, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_signals_inside_a_tick_changes_nothing(what: list[tuple[list[Signal], int]], random: Any) -> None:
    """Every tick's signals shuffled: the same versions of the same alerts, ids and histories included."""
    shuffled = [(random.sample(batch, len(batch)), pause) for batch, pause in what]
    assert _run(AlertPolicy(CONFIG, register()), what) == _run(AlertPolicy(CONFIG, register()), shuffled)


@given(ticks, ticks)
@settings(deadline=None)
def test_a_restored_policy_goes_on_identically(
    before: list[tuple[list[Signal], int]], after: list[tuple[list[Signal], int]]
) -> None:
    """A state written as JSON and loaded elsewhere gives the same answers as if nothing had happened."""
    policy, other = AlertPolicy(CONFIG, register()), AlertPolicy(CONFIG, register())
    _run(policy, before)
    state = policy.state()
    text = json.dumps(state)
    other.load(json.loads(text))
    assert other.state() == state
    assert _run(policy, after, 200) == _run(other, after, 200)
    assert policy.state() == other.state()
    assert json.dumps(state) == text
    other.load(json.loads(text))
    assert other.state() == state


@given(ticks)
@settings(max_examples=60, deadline=None)
def test_every_alert_has_one_open_version_and_a_consistent_history(what: list[tuple[list[Signal], int]]) -> None:
    """Ids and raised_at last; histories only grow; an absorbed id is one open alert's alias and never comes back."""
    latest: dict[str, Alert] = {}
    absorbed: set[str] = set()
    for answers in _run(AlertPolicy(CONFIG, register()), [(batch, max(pause, 1)) for batch, pause in what]):
        for alert in answers:
            assert 0 <= alert.severity <= 100
            assert alert.lead_signal_id in alert.signal_ids
            assert alert.id not in absorbed
            before = latest.get(alert.id)
            if before is None:
                assert alert.history[0].rule == "OPEN-1"
            else:
                assert before.status.value == "open"
                assert alert.raised_at == before.raised_at
                assert alert.history[: len(before.history)] == before.history
                assert set(before.signal_ids) <= set(alert.signal_ids)
                assert set(before.aliases) <= set(alert.aliases)
            latest[alert.id] = alert
            for alias in set(alert.aliases) & latest.keys():
                assert latest.pop(alias).status.value == "open"
            absorbed.update(alert.aliases)
    named = [alias for alert in latest.values() for alias in alert.aliases]
    assert sorted(named) == sorted(absorbed)


def test_examples_do_not_depend_on_which_signal_came_first() -> None:
    """An alert whose lead has no examples shows those of the first signal by id, also after a restart."""
    lead = signal(recurrence=1e6)
    others = [weak(length=HOUR, start=MONDAY + hours(i), examples=(example(f"t{i}"),)) for i in (3, 1, 2)]
    desk = Desk()
    desk.tick(lead)
    for other in others:
        desk.tick(other)
    (alert,) = desk.alerts.values()
    assert [ticket.text for ticket in alert.examples] == ["t1"]
    own = Desk().one(replace(lead, examples=(example("own"),)), *others)
    assert [ticket.text for ticket in own.examples] == ["own"]


def _flood(kind: str, number: int) -> Iterator[Signal]:
    for i in range(number):
        if kind == "categories":
            yield signal(f"Category {i}")
        elif kind == "areas":
            yield signal(area=f"City/Area {i}") if i else signal()
        elif kind == "siblings":
            yield signal(area=f"City/Area {i}")
        elif kind == "totals":
            yield signal("", f"City/Area {i}", kind=TOTAL if i % 2 else CATEGORY)
        else:
            yield signal("Noise", length=QUARTER, start=MONDAY + i * timedelta(minutes=15))


@pytest.mark.parametrize(
    ("kind", "alerts"),
    [("categories", 1_000), ("areas", 1), ("siblings", 1_000), ("totals", 1_000), ("one after the other", 1)],
)
def test_a_flood_is_compared_with_its_own_kind_and_place_only(
    kind: str, alerts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a thousand signals in one tick each is compared with a few others: comparisons grow with their number."""
    compared = 0

    def counting(*arguments: Any) -> bool:
        nonlocal compared
        compared += 1
        return same_cause(*arguments)

    monkeypatch.setattr(alerting, "same_cause", counting)
    desk = Desk()
    desk.tick(*_flood(kind, 1_000))
    assert len(desk.policy.state()["episodes"]) == alerts
    assert compared <= 20_000


def test_five_thousand_signals_of_a_storm_are_five_thousand_signals_of_a_few_alerts() -> None:
    """A storm over fifty categories and a hundred areas, looked at twice and closed, ends as fifty closed alerts."""
    storm = [signal(f"Category {c}", f"City/Area {a}" if a else "City") for c in range(50) for a in range(100)]
    desk = Desk()
    assert len(desk.tick(*(replace(each, state=PROVISIONAL) for each in storm))) == 50
    assert len(desk.tick(*storm, later=hours(24))) == 50
    assert all(len(alert.signal_ids) == 100 for alert in desk.alerts.values())
    desk.tick(watermark=MONDAY + hours(48), later=hours(24))
    assert {alert.status.value for alert in desk.alerts.values()} == {"closed"}
    assert desk.policy._episode_of == {}
    assert desk.policy._index._at == desk.policy._index._below == {}


@pytest.mark.parametrize("restored", [False, True])
def test_a_long_episode_lets_go_of_what_is_settled(restored: bool) -> None:
    """A cause that goes on for weeks keeps few signals in memory, and its alert still names all it was ever about."""
    desk, told = Desk(), []
    for day in range(30):
        for hour in range(0, 24, 2):
            each = signal(
                area="City" if hour else f"City/Area {day}",
                length=HOUR,
                start=MONDAY + hours(24 * day + hour),
                departments=(f"Department {day}",),
                recurrence=1e4,
            )
            desk.tick(each, watermark=each.window_end)
            told.append(each.id)
        if restored:
            state = json.loads(json.dumps(desk.policy.state()))
            desk.policy = AlertPolicy(CONFIG)
            desk.policy.load(state)
        (episode,) = desk.policy.state()["episodes"]
        assert len(episode["signals"]) < 80
        assert len(desk.policy._episode_of) == len(episode["signals"])
    (alert,) = desk.alerts.values()
    assert alert.signal_ids == tuple(sorted(told))
    assert alert.areas == tuple(sorted({"City", *(f"City/Area {day}" for day in range(30))}))
    assert len(alert.departments) == 30
    assert alert.status.value == "open"


def test_a_state_does_not_change_while_the_policy_goes_on() -> None:
    """A snapshot is a copy: what comes after is not in it."""
    desk = Desk()
    desk.tick(signal(), total())
    state = desk.policy.state()
    before = json.dumps(state)
    desk.tick(signal(observed=99), weak(area="City/East"), watermark=LONG_AGO)
    assert json.dumps(state) == before
    assert state["episodes"][0]["signals"][signal().id]["length"] == DAY.value
