"""Episodes: what they are about, what they rest on, and what a long one may let go of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.warning.policy.signals import (
    CONFIG,
    FINAL,
    HOUR,
    MONDAY,
    PROVISIONAL,
    WEEK,
    WITHDRAWN,
    Desk,
    channel,
    department,
    hours,
    signal,
    weak,
)
from warning.domain.signal import Signal
from warning.policy.episode import Episode, seen_until

ENOUGH = 64
"""So many signals make an episode long."""


def _hour(number: int, **changes: Any) -> Signal:
    given: dict[str, Any] = {"length": HOUR, "start": MONDAY + hours(number)}
    return weak(**(given | changes))


def _episode(*signals: Signal) -> Episode:
    return Episode(id="e", raised_at=MONDAY, signals={each.id: each for each in signals})


def _long(*first: Signal) -> Episode:
    """Give an episode of a strong first hour, the given signals, and weak hours up to number 100."""
    fill = [_hour(100 - i) for i in range(ENOUGH - 1 - len(first))]
    return _episode(signal(length=HOUR), *first, *fill)


def test_evidence_is_seen_until_it_was_last_looked_at() -> None:
    """Closed buckets speak of their whole window, open ones of what had passed, and none of less than nothing."""
    assert seen_until(signal(updated_at=MONDAY + hours(40))) == MONDAY + hours(24)
    assert seen_until(signal(updated_at=MONDAY + hours(9))) == MONDAY + hours(9)
    assert seen_until(signal(updated_at=MONDAY - hours(9))) == MONDAY


def test_what_was_withdrawn_is_not_what_an_episode_is_about() -> None:
    """Areas, names, departments and the last moment come from evidence that stands."""
    gone = signal("Water", "City/East", start=MONDAY + hours(24), departments=("Parks",), state=WITHDRAWN)
    episode = _episode(signal(), gone)
    about = episode.about()
    assert (about.areas, about.categories, about.departments) == ({"City"}, {"Noise"}, set())
    assert episode.last_evidence() == MONDAY + hours(24)
    assert episode.signal_ids() == tuple(sorted([signal().id, gone.id]))


def test_an_area_that_is_withdrawn_leaves_the_alert() -> None:
    """When the evidence of a district falls away, the alert no longer names it, and says so in its history."""
    desk = Desk()
    desk.tick(signal(), weak(area="City/East", state=PROVISIONAL))
    alert = desk.one(weak(area="City/East", state=WITHDRAWN))
    assert alert.areas == ("City",)
    assert alert.history[-1].rule == "UPDATE-1"


@pytest.mark.parametrize(("open_", "settled"), [((), True), ((3,), False), ((3, 4), False)])
def test_an_episode_is_settled_when_nothing_is_provisional(open_: tuple[int, ...], settled: bool) -> None:
    """One open bucket is enough to wait for; withdrawn evidence is settled."""
    signals = [_hour(i, state=PROVISIONAL if i in open_ else FINAL) for i in range(6)]
    assert _episode(*signals, _hour(9, state=WITHDRAWN)).settled() is settled


def test_a_short_episode_keeps_everything() -> None:
    """Up to 63 signals are no burden, however old."""
    episode = _long()
    last = max(episode.signals, key=lambda each: episode.signals[each].window_start)
    del episode.signals[last]
    assert episode.let_go(CONFIG) == []
    assert len(episode.signals) == ENOUGH - 1


def test_a_long_episode_keeps_what_later_evidence_may_join() -> None:
    """Of a long episode the last merge gap stays, to the minute, with the leading signal; the rest is let go."""
    episode = _long()
    gone = episode.let_go(CONFIG)
    kept = sorted(each.window_start for each in episode.signals.values())
    assert kept == [MONDAY, *(MONDAY + hours(i) for i in range(76, 101))]
    assert [each.id for each in gone] == sorted(each.id for each in gone)
    assert {each.id for each in gone} == set(episode.past.ids)
    assert len(gone) == ENOUGH - 26


def test_what_was_let_go_is_still_what_the_episode_is_about() -> None:
    """Areas, names, departments, channels and detectors of settled evidence stay known, of withdrawn evidence none."""
    old = [
        _hour(1, area="City/East", detector="other"),
        _hour(2, departments=("Roads",), channels=("app",)),
        replace(department("Works", length=HOUR), recurrence_interval_days=20.0),
        replace(channel("phone", length=HOUR), recurrence_interval_days=20.0),
        _hour(3, area="City/West", departments=("Parks",), state=WITHDRAWN),
    ]
    episode = _long(*old)
    before = episode.about(), episode.signal_ids()
    assert {each.id for each in old} <= {each.id for each in episode.let_go(CONFIG)}
    about = episode.about()
    assert (about.areas, about.categories) == ({"City", "City/East"}, {"Noise"})
    assert (about.departments, about.channels) == ({"Roads", "Works"}, {"app", "phone"})
    assert about.detectors == {"surge", "other"}
    about.ids = []
    assert (about, episode.signal_ids()) == before


def test_open_evidence_is_never_let_go() -> None:
    """A bucket that has not closed is kept, however long ago it was looked at: the alert waits for it."""
    waiting = _hour(1, area="City/East", state=PROVISIONAL)
    episode = _long(waiting, weak(length=WEEK, state=PROVISIONAL, updated_at=MONDAY + hours(1)))
    assert episode.let_go(CONFIG)
    assert waiting.id in episode.signals
    assert not episode.settled()


def test_the_leading_signal_and_the_leading_final_one_are_kept() -> None:
    """What leads stays for its figures, and the best closed bucket stays because it bears the alert out."""
    lead = signal(length=HOUR, start=MONDAY + hours(1), recurrence=9e5, state=FINAL)
    episode = _long(lead)
    episode.let_go(CONFIG)
    assert {lead.id} == {each for each in episode.signals if episode.signals[each].window_start < MONDAY + hours(70)}
    opened = replace(lead, state=PROVISIONAL)
    episode = _long(opened)
    episode.let_go(CONFIG)
    assert {opened.id, signal(length=HOUR).id} <= episode.signals.keys()
    assert episode.lead(CONFIG).id == opened.id


def test_letting_go_never_takes_a_confirmation_back() -> None:
    """A confirmed alert that becomes long and is led by open evidence stays final when that is withdrawn."""
    desk = Desk()
    desk.tick(signal(length=HOUR))
    for hour in range(1, ENOUGH - 1):
        desk.tick(_hour(hour))
    strong = signal(length=HOUR, start=MONDAY + hours(ENOUGH), recurrence=1e6, state=PROVISIONAL)
    assert desk.one(strong).state is FINAL
    assert len(desk.policy.state()["episodes"][0]["signals"]) < ENOUGH
    alert = desk.one(replace(strong, state=WITHDRAWN))
    assert (alert.state, alert.status.value, alert.lead_signal_id) == (FINAL, "open", signal(length=HOUR).id)


def test_long_episodes_that_merge_remember_both_pasts() -> None:
    """One episode that absorbs another names all that either ever was about."""
    desk = Desk()
    told = []
    for hour in range(ENOUGH + 8):
        for area in ("City/East", "City/West"):
            each = signal(area=area, length=HOUR, start=MONDAY + hours(hour), detector=f"{area} {hour}")
            desk.tick(each)
            told.append(each)
    assert len(desk.alerts) == 2
    end = signal(length=HOUR, start=MONDAY + hours(ENOUGH + 8))
    alert = desk.one(end)
    assert alert.signal_ids == tuple(sorted(each.id for each in (*told, end)))
    assert alert.detectors == tuple(sorted({each.detector for each in (*told, end)}))
    assert alert.history[-1].rule == "MERGE-1"
    assert sum(len(each["signals"]) for each in desk.policy.state()["episodes"]) < ENOUGH
