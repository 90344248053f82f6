"""Two real workers: whatever befalls the one that writes the clock, every partition follows one order without a gap."""

import json
from datetime import UTC, datetime
from pathlib import Path

from streams.clock.order import Order
from streams.reading import Message
from streams.records import CLOCK_HEADER, POSITION_HEADER, number_in
from streams.topics import Name
from tests.cluster.topics import produce, read, smaller
from tests.cluster.workers import Cluster, Worker, wait_for
from tests.streams.intake.parts import ticket
from warning.domain.control import Control, ControlKind
from warning.engine.records import Tick
from warning.settings import Settings
from warning.store.logfile import decode_record, encode_record

LEADER = "early_warning_clock_leader"
PARTITIONS = 3


def _reviews(settings: Settings, first: int, count: int, *, again: int = 0) -> None:
    """Relay controls with the positions from ``first`` on, after some of those before once more."""
    kind = next(iter(ControlKind))
    values = []
    for position in range(first - again, first + count):
        control = Control(kind=kind, jurisdiction="city", effective_from=0, reason=f"review {position}")
        values.append((encode_record(control), None, [(POSITION_HEADER, b"%d" % position)]))
    produce(settings, Name.REVIEWS, values)


def _held(settings: Settings) -> tuple[list[int], Order]:
    """Return the offsets of the clock's records that hold."""
    order, held = Order(), []
    for message in read(settings, Name.CLOCK):
        order, record = order.after(message)
        held += [message.offset] if record is not None else []
    return held, order


def _applied(messages: list[Message]) -> list[int]:
    """Return the clock offsets that a reader of a partition applies: those above the last one."""
    applied: list[int] = []
    for message in messages:
        offset = number_in(message.headers, CLOCK_HEADER)
        if offset is not None and (not applied or offset > applied[-1]):
            applied.append(offset)
    return applied


def _leader(*workers: Worker) -> Worker:
    found = wait_for(lambda: [each for each in workers if each.metric(LEADER) == 1], "one of them writes the clock")
    return found[0]  # type: ignore[no-any-return]


def _copied_to(settings: Settings, position: int) -> bool:
    held, order = _held(settings)
    return order.position >= position and all(
        _applied(read(settings, Name.TICKETS, each))[-1:] == held[-1:] for each in range(PARTITIONS)
    )


def test_every_partition_follows_one_order_whatever_befalls_its_writer(
    kafka_settings: Settings, tmp_path: Path
) -> None:
    """The writer is paused amid its work, another goes on, the first comes back and the other is killed: every
    partition of the log has the same clock records in the same order, none is missing, and ticks grow.
    """
    settings = smaller(kafka_settings, tmp_path / "data", partitions=PARTITIONS)
    now = datetime.now(UTC).isoformat()
    produce(settings, Name.RAW, [(_json(ticket(n, created_at=now)), n % 2, []) for n in range(4)])
    with Cluster(settings, tmp_path) as cluster:
        one, two = (cluster.start("intake", name) for name in ("one", "two"))
        first = _leader(one, two)
        second = two if first is one else one
        _reviews(settings, 1, 40)
        wait_for(
            lambda: any(number_in(each.headers, CLOCK_HEADER) is not None for each in read(settings, Name.TICKETS)),
            "copies",
        )
        first.pause()  # amid copying
        _reviews(settings, 41, 40, again=5)
        wait_for(lambda: second.metric(LEADER) == 1, "the other writes the clock", 30)
        wait_for(lambda: _held(settings)[1].position >= 60, "the other goes on")
        first.resume()  # a zombie
        _reviews(settings, 81, 40)
        wait_for(lambda: _held(settings)[1].position >= 100, "work goes on")
        second.kill()
        _reviews(settings, 121, 20)
        wait_for(lambda: first.metric(LEADER) == 1, "the first writes the clock again", 30)
        second = cluster.start("intake", second.name).wait_until_ready()
        wait_for(lambda: _copied_to(settings, 140), "everything is copied")
        assert first.stop() == 0
        assert second.stop() == 0
    held, order = _held(settings)
    assert [_applied(read(settings, Name.TICKETS, each)) for each in range(PARTITIONS)] == [held] * PARTITIONS
    clock = {message.offset: message for message in read(settings, Name.CLOCK)}
    records = [decode_record(clock[offset].value or b"", "clock") for offset in held]
    reasons = [each.reason for each in records if isinstance(each, Control)]
    assert reasons == [f"review {position}" for position in range(1, 141)]
    numbers = [each.number for each in records if isinstance(each, Tick)]
    assert numbers
    assert numbers == sorted(set(numbers))
    assert order.review == 145


def _json(event: object) -> bytes:
    return json.dumps(event).encode()
