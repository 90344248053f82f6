"""Every row has exactly one outcome, and the better version of a ticket counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.warning.engine.tickets import CITY, START, STEP, Heard, Row, columns, config, engine, feed, tick
from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS, BucketLength
from warning.domain.outcome import RowOutcome
from warning.domain.series import SeriesKey, SeriesKind
from warning.domain.ticket import LifeEvent
from warning.engine.engine import Engine
from warning.engine.records import OUTCOME_ORDER

FIRST = START // STEP


def named(heard: Heard) -> list[RowOutcome]:
    """Name the outcomes."""
    return [OUTCOME_ORDER[code] for code in heard.outcomes()]


def opened(at: int = START) -> Engine:
    """Build an engine whose watermark stands at a time."""
    subject = engine()
    subject.apply(tick(at // STEP, at))
    return subject


def count(subject: Engine, area: str, category: str = "Noise") -> int:
    """Return what a series has counted on its first day, open bucket or closed."""
    bank = subject.stages[0].bank
    row = bank.row_of.get(SeriesKey(SeriesKind.AREA_CATEGORY, area, category))
    if row is None:
        return 0
    day = START // DAY_MS
    if day in bank.counts.open[BucketLength.DAY]:
        return int(bank.counts.open[BucketLength.DAY][day][row])
    return bank.counts.history(row, BucketLength.DAY, range(day, day + 1))[0]


A = Row(time=START + 5 * MINUTE_MS, id="A")


def test_the_first_of_a_ticket_is_accepted_and_its_repeat_is_a_duplicate() -> None:
    """The same content again is a duplicate, in the same batch and in a later one, and counts once."""
    subject = opened()
    heard = feed(subject, [columns([A, A]), columns([A])])
    assert named(heard) == [RowOutcome.ACCEPTED, RowOutcome.DUPLICATE, RowOutcome.DUPLICATE]
    assert count(subject, "Testville") == 1


@pytest.mark.parametrize(("days", "counted"), [(3, 2), (4, 1)])
def test_beyond_the_horizon_late_tickets_count_nothing(days: int, counted: int) -> None:
    """A late ticket within the horizon corrects its day once; one from beyond it never does, however often it comes."""
    subject = engine(dedupe_horizon_days=3)
    day = DAY_MS // STEP
    late = columns([replace(A, id="B")])
    feed(subject, [tick(FIRST, START), columns([A]), tick(FIRST + days * day, START + days * DAY_MS)])
    again = feed(subject, [late, tick(FIRST + (days + 1) * day, START + (days + 1) * DAY_MS), late])
    assert named(again)[0] is RowOutcome.LATE
    assert count(subject, "Testville") == counted


def test_other_content_under_a_known_id_is_an_update() -> None:
    """A known ticket with another status is updated and not counted again."""
    subject = opened()
    heard = feed(subject, [columns([A]), columns([replace(A, version=A.time + 1)])])
    assert named(heard) == [RowOutcome.ACCEPTED, RowOutcome.UPDATED]
    assert count(subject, "Testville") == 1


@pytest.mark.parametrize("newer_first", [False, True])
def test_the_later_version_counts_whatever_the_order(newer_first: bool) -> None:
    """While its bucket is open a ticket counts where its latest version says, also if that came first."""
    moved = replace(A, area="Testville/South", version=A.time + 1, department="Parks")
    versions = [moved, A] if newer_first else [A, moved]
    subject = opened()
    heard = feed(subject, [columns([version]) for version in versions])
    assert named(heard) == [RowOutcome.ACCEPTED, RowOutcome.UPDATED]
    assert (count(subject, "Testville/North"), count(subject, "Testville/South")) == (0, 1)
    assert count(subject, "Testville") == 1


def test_an_update_after_the_bucket_closed_changes_no_count() -> None:
    """Counts of closed buckets stand when a ticket's later version tells of another area."""
    subject = opened()
    moved = replace(A, area="Testville/South", version=A.time + 1)
    heard = feed(subject, [columns([A]), tick(FIRST + 2, START + HOUR_MS), columns([moved])])
    assert named(heard) == [RowOutcome.ACCEPTED, RowOutcome.UPDATED]
    assert (count(subject, "Testville/North"), count(subject, "Testville/South")) == (1, 0)


def test_an_update_of_a_total_moves_with_the_ticket() -> None:
    """The jurisdiction's totals and departments follow the better version of an open ticket."""
    subject = opened()
    moved = replace(A, area="Testville/South", version=A.time + 1, department="Parks")
    feed(subject, [columns([A]), columns([moved]), tick(FIRST + 1, START + HOUR_MS)])
    bank = subject.jurisdiction.bank
    day = START // DAY_MS
    counts = {str(key): int(bank.counts.open[BucketLength.DAY][day][row]) for key, row in bank.row_of.items()}
    assert counts == {
        "total:Testville:": 1,
        "total:Testville/South:": 1,
        "department:Testville:Parks": 1,
        "channel:Testville:phone": 1,
    }


def test_a_ticket_behind_the_watermark_is_late_and_corrects_history_only() -> None:
    """A ticket of a closed quarter of an hour is late; the closed count is corrected for later fits."""
    subject = opened()
    other = Row(time=START + 6 * MINUTE_MS, id="late")
    heard = feed(subject, [columns([A]), tick(FIRST + 1, START + HOUR_MS), columns([other])])
    assert named(heard) == [RowOutcome.ACCEPTED, RowOutcome.LATE]
    bank = subject.stages[0].bank
    row = bank.row_of[SeriesKey(SeriesKind.AREA_CATEGORY, "Testville", "Noise")]
    quarter = START // STEP
    assert bank.counts.history(row, BucketLength.QUARTER, range(quarter, quarter + 1)) == [2]


def test_a_ticket_of_the_open_quarter_is_not_late_though_before_the_watermark() -> None:
    """With one-minute ticks a ticket counts as long as its quarter of an hour is open."""
    subject = engine()
    subject.apply(replace(tick(0, START), number=START // MINUTE_MS, watermark=START + 7 * MINUTE_MS))
    assert named(feed(subject, [columns([A])])) == [RowOutcome.ACCEPTED]


def test_outcomes_have_a_precedence() -> None:
    """A late repeat is a duplicate and a late new version is an update: late comes after both."""
    subject = opened()
    feed(subject, [columns([A]), tick(FIRST + 4, START + 2 * HOUR_MS)])
    heard = feed(subject, [columns([A, replace(A, version=9), Row(time=START, id="new")])])
    assert named(heard) == [RowOutcome.DUPLICATE, RowOutcome.UPDATED, RowOutcome.LATE]


def test_a_ticket_moved_to_another_category_counts_in_both() -> None:
    """Duplicates are known within a category: another category under the same id is another ticket (documented)."""
    subject = opened()
    heard = feed(subject, [columns([A]), columns([replace(A, category="Parking")])])
    assert named(heard) == [RowOutcome.ACCEPTED, RowOutcome.ACCEPTED]


def test_the_same_id_of_another_source_is_another_ticket() -> None:
    """Ids are known by source."""
    subject = opened()
    heard = feed(subject, [columns([A]), columns([A], source="other")])
    assert named(heard) == [RowOutcome.ACCEPTED, RowOutcome.ACCEPTED]


def test_duplicates_are_forgotten_after_the_horizon() -> None:
    """After the horizon a repeat is late (its bucket has closed), no longer a duplicate."""
    subject = engine(dedupe_horizon_days=2)
    subject.apply(tick(FIRST, START))
    feed(subject, [columns([A]), tick((START + 4 * DAY_MS) // STEP, START + 4 * DAY_MS)])
    assert named(feed(subject, [columns([A])])) == [RowOutcome.LATE]


def test_life_events_have_no_outcome_and_move_the_backlog() -> None:
    """Derived life events are counted by department and are no rows of their own."""
    subject = opened()
    resolved = replace(A, kind=LifeEvent.RESOLVED, time=A.time + MINUTE_MS)
    heard = feed(subject, [columns([A, replace(A, id="B"), resolved]), tick(FIRST + 1, START + HOUR_MS)])
    assert named(heard) == [RowOutcome.ACCEPTED, RowOutcome.ACCEPTED]
    assert subject.statistics.backlog == {"Police": 1}
    assert subject.statistics.life_events == {"created": 2, "resolved": 1}


def test_a_batch_of_life_events_alone_is_fine() -> None:
    """A batch without a created ticket answers with no outcomes."""
    subject = opened()
    output = subject.apply(columns([replace(A, kind=LifeEvent.RESOLVED)]))
    assert output.outcomes is not None
    assert len(output.outcomes) == 0


def test_an_empty_batch_is_fine() -> None:
    """A batch without rows changes nothing."""
    output = opened().apply(columns([]))
    assert output.outcomes is not None
    assert len(output.outcomes) == 0


def test_another_jurisdiction_is_refused() -> None:
    """Records of another jurisdiction are the caller's mistake and change nothing."""
    subject = opened()
    with pytest.raises(ValueError, match="Elsewhere"):
        subject.apply(columns([A], city="Elsewhere"))
    assert config().jurisdiction == CITY
    assert subject.statistics.outcomes["accepted"] == 0
