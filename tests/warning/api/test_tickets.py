"""Pushing tickets, in every form and with every fault, and looking them up."""

from __future__ import annotations

import base64
import json
import tracemalloc
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal

from tests.warning.api.conftest import CallerAs
from tests.warning.api.worlds import SOURCE, Caller, World, headers_of
from warning.api.limits import Limits
from warning.api.problems import ProblemError
from warning.api.reading import CLOUDEVENT, CLOUDEVENTS, JSON, NDJSON, read_items
from warning.domain.account import Role
from warning.domain.reject import RejectReason
from warning.service.ports import StoreBusyError

CLOUD: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/hotline",
    "type": "ticket.created",
    "time": "2026-03-02T08:00:00Z",
    "data": {"category": "noise"},
}


@pytest.fixture(name="key")
def _key(caller: CallerAs) -> Caller:
    return caller("key")


def _push(key: Caller, body: bytes | str, media_type: str = JSON, query: str = "") -> httpx.Response:
    return key.post(f"/api/v1/tickets{query}", content=body, headers={"Content-Type": media_type})


def _limited(world: World, portal: BlockingPortal, **limits: Any) -> Caller:
    return Caller(world.app(limits=Limits(**limits)), portal, headers_of(world, "key"))


def _fates(response: httpx.Response) -> list[str]:
    return [item["reject"]["reason"] if "reject" in item else item["status"] for item in response.json()["items"]]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (JSON, '[{"ticket_id": "A"}, {"ticket_id": "B"}]'),
        ("application/json; charset=UTF-8", '\ufeff [{"ticket_id": "A"}, {"ticket_id": "B"}]'),
        (NDJSON, '{"ticket_id": "A"}\r\n\n{"ticket_id": "B"}'),
        (CLOUDEVENTS, json.dumps([CLOUD | {"id": "A"}, CLOUD | {"subject": "B"}])),
    ],
)
def test_every_form_is_taken(media_type: str, body: str, key: Caller, world: World) -> None:
    """JSON arrays, NDJSON and CloudEvents batches are taken item by item."""
    response = _push(key, body.encode(), media_type)
    assert response.status_code == 202
    assert response.json() == {
        "accepted": 2,
        "rejected": 0,
        "items": [
            {"index": 0, "ticket_id": "A", "status": "accepted"},
            {"index": 1, "ticket_id": "B", "status": "accepted"},
        ],
    }
    assert [source for source, _, _ in world.intake.taken] == [SOURCE, SOURCE]


@pytest.mark.parametrize(("media_type", "item"), [(JSON, {"ticket_id": "A"}), (CLOUDEVENT, CLOUD)])
def test_one_object_is_taken(media_type: str, item: dict[str, Any], key: Caller) -> None:
    """One JSON object and one CloudEvent are taken as they are."""
    assert _fates(_push(key, json.dumps(item), media_type)) == ["accepted"]


def test_a_cloudevent_names_its_ticket(key: Caller, world: World) -> None:
    """The data's own fields come first, then the event's subject, then its id; its time stands in for a missing one."""
    own = {"ticket_id": "own", "created_at": "2026-03-01T00:00:00Z"}
    encoded = {key: value for key, value in CLOUD.items() if key != "data"}
    encoded["data_base64"] = base64.b64encode(b'{"category": "dust"}').decode()
    _push(key, json.dumps([CLOUD | {"subject": "s1"}, CLOUD | {"data": own}, encoded]), CLOUDEVENTS)
    assert [event for _, event, _ in world.intake.taken] == [
        {"ticket_id": "s1", "created_at": CLOUD["time"], "category": "noise"},
        own,
        {"ticket_id": "e1", "created_at": CLOUD["time"], "category": "dust"},
    ]


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"specversion": "0.3"}, RejectReason.BAD_TYPE, "specversion"),
        ({"source": ""}, RejectReason.MISSING_REQUIRED, "source"),
        ({"id": 7}, RejectReason.MISSING_REQUIRED, "id"),
        ({"data": [1]}, RejectReason.BAD_TYPE, "data"),
        ({"data_base64": "?"}, RejectReason.BAD_TYPE, "data"),
        ({"data_base64": 7}, RejectReason.BAD_TYPE, "data"),
    ],
)
def test_an_improper_cloudevent_is_refused(
    change: dict[str, Any], reason: RejectReason, field: str, key: Caller
) -> None:
    """An envelope that is none names the attribute that is wrong."""
    (item,) = _push(key, json.dumps(CLOUD | change), CLOUDEVENT).json()["items"]
    assert (item["reject"]["reason"], item["reject"]["field"]) == (reason, field)


def test_what_is_no_json_is_refused_by_itself(key: Caller, world: World) -> None:
    """A line that is no JSON is refused in its place, with the reason, and the others are taken."""
    body = b'{"ticket_id": "A"}\n{"ticket_id": \n"\xff"\n{"x": 1}\n{"ticket_id": "E"}'
    response = _push(key, body, NDJSON)
    assert _fates(response) == ["accepted", "unreadable_row", "unreadable_row", "missing_required", "accepted"]
    assert [item["index"] for item in response.json()["items"]] == [0, 1, 2, 3, 4]
    advice = response.json()["items"][1]["reject"]
    assert "JSON" in advice["advice_en"]
    assert "JSON" in advice["advice_zh"]
    assert [original for _, _, original in world.intake.taken] == [b'{"ticket_id": "A"}', b'{"ticket_id": "E"}']
    assert [(each.original, each.reject.row) for each in world.intake.unread] == [
        (b'{"ticket_id": ', 2),
        (b'"\xff"', 3),
    ]


def test_what_only_cannot_be_read_is_filed_too(key: Caller, world: World) -> None:
    """A push of which nothing can be read is answered item by item, and handed on with its bytes and reasons."""
    envelope = json.dumps([CLOUD | {"specversion": "0.3"}])
    assert _fates(_push(key, envelope, CLOUDEVENTS)) == ["bad_type"]
    assert _fates(_push(key, b'{"cut off', NDJSON)) == ["unreadable_row"]
    _push(key, b'{"only": "looked at', NDJSON, query="?validate_only=true")
    assert [(each.original, each.reject.reason) for each in world.intake.unread] == [
        (envelope[1:-1].encode(), RejectReason.BAD_TYPE),
        (b'{"cut off', RejectReason.UNREADABLE_ROW),
    ]


def test_originals_are_the_bytes_that_came(key: Caller, world: World) -> None:
    """What goes to quarantine is what was sent, to the byte."""
    _push(key, '[ {"ticket_id":"A",  "a":"噪声"} ]')
    assert world.intake.taken[0][2] == '{"ticket_id":"A",  "a":"噪声"}'.encode()


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b"[{", JSON), (b"", JSON), (b"7", JSON), (b'{"a":1}', CLOUDEVENTS), (b"[]", CLOUDEVENT), (b"[" * 99_999, JSON)],
)
def test_a_body_that_cannot_be_read(body: bytes, media_type: str, key: Caller) -> None:
    """A body that is no list of items at all is a problem of the whole request."""
    response = _push(key, body, media_type)
    assert response.status_code == 422
    assert response.json()["type"] == "/problems/unreadable"


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "", "application/json; charset=gbk"])
def test_another_form_is_refused(media_type: str, key: Caller) -> None:
    """A media type or encoding that is not taken is named with those that are."""
    response = _push(key, b"[]", media_type)
    assert response.status_code == 415
    assert NDJSON in response.json()["detail_en"]


def test_a_compressed_body_is_refused(key: Caller) -> None:
    """A compressed body is refused: what it would unfold to is not known."""
    response = key.post("/api/v1/tickets", content=b"[]", headers={"Content-Encoding": "gzip", "Content-Type": JSON})
    assert response.status_code == 415


def test_nothing_is_taken_when_only_validating(key: Caller, world: World) -> None:
    """With validate_only every item is judged and none is taken."""
    response = _push(key, '[{"ticket_id": "A"}, {}]', query="?validate_only=true")
    assert response.status_code == 200
    assert _fates(response) == ["accepted", "missing_required"]
    assert (world.intake.taken, len(world.intake.validated)) == ([], 2)


def test_no_items_are_no_error(key: Caller) -> None:
    """An empty list is judged and answered."""
    assert _push(key, "[]").json() == {"accepted": 0, "rejected": 0, "items": []}


def test_a_busy_store_says_when(key: Caller, world: World) -> None:
    """When nothing can be taken the answer is 503 with the time after which to send it again."""
    world.intake.failure = StoreBusyError("the disk is full", 30, "磁盘已满")
    response = _push(key, '[{"ticket_id": "A"}]')
    assert (response.status_code, response.headers["retry-after"]) == (503, "30")
    assert response.json()["detail_zh"] == "磁盘已满"


def test_too_many_items(world: World, portal: BlockingPortal) -> None:
    """More items than the limit are refused as a whole, and the limit is named."""
    for media_type, body in ((JSON, "[{},{},{}]"), (NDJSON, "{}\n\n{}\r\n {}")):
        response = _push(_limited(world, portal, items=2), body, media_type)
        assert response.status_code == 413
        assert response.json()["limit"] == {"name": "items", "value": 2}


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (JSON, b"[" + b"1," * 4_999_998 + b"1]"),
        (JSON, b'{"x": [' + b"[]," * 3_333_330 + b"1]}"),
        (NDJSON, b"[]\n" * 3_333_333),
    ],
)
def test_a_flood_of_nothing_costs_little(media_type: str, body: bytes) -> None:
    """A body of millions of tiny values is refused before they are built, in any form."""
    tracemalloc.start()
    with pytest.raises(ProblemError) as caught:
        read_items(media_type, body, SOURCE, Limits())
    assert caught.value.status_code == 413
    assert tracemalloc.get_traced_memory()[1] < 40_000_000
    tracemalloc.stop()


def test_a_wide_export_is_taken() -> None:
    """The largest push of tickets with a hundred short columns each is read."""
    ticket = {f"c{column}": str(column) for column in range(100)}
    items = read_items(JSON, json.dumps([ticket] * 10_000).encode(), SOURCE, Limits())
    assert len(items) == 10_000


def test_an_item_nested_too_deep(world: World, portal: BlockingPortal) -> None:
    """An item nested deeper than the limit is refused by itself."""
    deep, flat = '{"ticket_id": "A", "x": {"y": [[]]}}', '{"ticket_id": "B", "x": {"y": []}}'
    assert _fates(_push(_limited(world, portal, nesting=3), f"[{deep}, {flat}]")) == ["unreadable_row", "accepted"]


def test_a_body_too_large(world: World, portal: BlockingPortal) -> None:
    """A body beyond the limit is refused, announced or not, and the limit is named."""
    caller = _limited(world, portal, body_bytes=100)
    announced = _push(caller, b" " * 101)
    streamed = caller.post("/api/v1/tickets", content=_chunks(), headers={"Content-Type": JSON})
    for response in (announced, streamed):
        assert response.status_code == 413
        assert response.json()["limit"] == {"name": "body_bytes", "value": 100}
        assert response.headers["connection"] == "close"


async def _chunks() -> Any:
    for _ in range(5):
        yield b"[" + b" " * 30


def test_a_key_has_a_quota(world: World, portal: BlockingPortal) -> None:
    """A key that has sent more than its items a minute is refused with the time to wait; validating counts too."""
    caller = _limited(world, portal, items_a_minute=3)
    bodies = ["[{},{}]", "[{},{}]", "[{}]"]
    statuses = [_push(caller, body, query="?validate_only=true") for body in bodies]
    assert [response.status_code for response in statuses] == [200, 200, 429]
    assert 20 < int(statuses[-1].headers["retry-after"]) <= 41
    assert statuses[-1].json()["type"] == "/problems/too-many"


@pytest.mark.parametrize("body", ["[" + "1," * 20 + "1]", "[" + "1," * 20])
def test_a_refused_push_counts_too(body: str, world: World, portal: BlockingPortal) -> None:
    """A request that is refused whole is charged by its size, so that a key cannot send such for nothing."""
    caller = _limited(world, portal, items=10, body_bytes=100, items_a_minute=6)
    statuses = [_push(caller, body).status_code for _ in range(3)]
    assert statuses[0] in {413, 422}
    assert statuses == [statuses[0], statuses[0], 429]


def test_a_ticket_is_looked_up(key: Caller, caller: CallerAs) -> None:
    """A key sees a ticket of its source by the platform's own id, and an admin who names the source sees it too."""
    _push(key, '[{"ticket_id": "2026/1"}, {"ticket_id": "2026/1"}]')
    by_key = key.get("/api/v1/tickets/2026%2F1")
    assert (by_key.json()["outcome"], by_key.json()["times_received"]) == ("accepted", 2)
    admin = caller(Role.ADMIN)
    assert admin.get("/api/v1/tickets/2026%2F1", params={"source": SOURCE}).json() == by_key.json()
    assert admin.get("/api/v1/tickets/2026%2F1").json()["errors"][0]["field"] == "source"
    assert key.get("/api/v1/tickets/other").status_code == 404
    assert key.get("/api/v1/tickets/2026%2F1", params={"source": "app"}).status_code == 403
