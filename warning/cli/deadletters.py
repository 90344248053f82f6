"""``early-warning deadletters``: what was refused, why, and another try once the reason is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from warning.cli.accounts import date, iso, not_installed
from warning.cli.app import Exit, example
from warning.cli.options import as_json, data_folder, settings_file, with_service
from warning.domain.errors import UnknownNameError
from warning.domain.reject import RejectReason
from warning.service.errors import BadInputError
from warning.settings import Settings, load_settings

if TYPE_CHECKING:
    from datetime import datetime

    from warning.service.ports import DeadLetter
    from warning.store.sql.dead_letters import SqlDeadLetters

ACTOR = "command-line"
"""Who reads an original or sends it again by a command: written down with it."""


@click.group(
    short_help="死信 What was refused",
    help="Look at refused items and send them through intake again, of a data folder or of a cluster (store.url).\n\n"
    "查看被拒绝的条目并重新送入接入;适用于数据目录或集群 (store.url)。",
)
def deadletters() -> None:
    """Hold the commands on dead letters."""


@deadletters.command(
    "list",
    short_help="列出 List refused items",
    help="List refused items, newest first.\n\n列出被拒绝的条目,新的在前。",
    epilog=example("early-warning deadletters list", "early-warning deadletters list --reason missing_required --json"),
)
@click.option("--source", default="", metavar="NAME", help="Only of this source. 仅此来源。")
@click.option("--reason", type=click.Choice([one.value for one in RejectReason]), help="Only for this. 仅此原因。")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="At most. 条数上限。")
@click.option("--cursor", metavar="TEXT", help="Go on where a list ended. 接续上一页。")
@data_folder
@settings_file
@as_json
def list_(
    source: str,
    reason: str | None,
    limit: int,
    cursor: str | None,
    data: Path | None,
    settings_path: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print one line a letter."""
    wanted = RejectReason(reason) if reason else None
    with _letters(_settings(data, settings_path)) as (letters, _):
        page = letters.find(source=source, reason=wanted, limit=limit, cursor=cursor)
    if as_json:
        plain = {"items": [_plain(letter) for letter in page.items], "next_cursor": page.next_cursor}
        click.echo(json.dumps(plain, ensure_ascii=False, indent=2))
        return
    for letter in page.items:
        click.echo(_line(letter))
    if page.next_cursor:
        click.echo(f"下一页 more: --cursor {page.next_cursor}", err=True)


@deadletters.command(
    short_help="查看 Show a refused item",
    help="Show why an item was refused and what to do. --original prints it as it was sent: it may hold personal data, "
    "and who read it is written down.\n\n"
    "显示拒绝原因与处理办法。--original 输出原文,可能含个人信息,读取会被记录。",
    epilog=example("early-warning deadletters show 17", "early-warning deadletters show 17 --original > item.json"),
)
@click.argument("letter_id", metavar="ID", type=click.IntRange(min=0))
@click.option("--original", is_flag=True, help="Print the item as it was sent. 输出原文。")
@data_folder
@settings_file
@as_json
def show(letter_id: int, data: Path | None, settings_path: Path | None, *, original: bool, as_json: bool) -> None:
    """Print one letter."""
    with _letters(_settings(data, settings_path)) as (letters, now):
        letter = _letter(letters, letter_id)
        found = letters.original(letter_id, reader=ACTOR, at=now) if original else None
    if original:
        if found is None:
            raise BadInputError(
                f"rejection {letter_id}",
                "its original is no longer kept",
                "Send it again from the platform.",
                f"死信 {letter_id}: 原文已不再保留。请从来源平台重新发送。",
            )
        click.get_binary_stream("stdout").write(found)
        return
    if as_json:
        click.echo(json.dumps(_plain(letter), ensure_ascii=False, indent=2))
        return
    reject = letter.reject
    click.echo(_line(letter))
    click.echo(f"  {reject.advice_zh}\n  {reject.advice_en}")
    click.echo(f"  原文保留至 original kept until: {date(letter.original_until)}")


@deadletters.command(
    short_help="重放 Send refused items again",
    help="Send refused items of a cluster through intake again, once a mapping was corrected; others stay as they are. "
    "On one machine the running service does this: on its page, or POST /api/v1/rejections/replay.\n\n"
    "修正映射后把集群的死信重新送入接入;再次被拒的保留。单机服务请在页面上或通过 POST /api/v1/rejections/replay 重放。",
    epilog=example("early-warning deadletters replay 17 18 --settings cluster.yaml"),
)
@click.argument("letter_ids", metavar="ID...", nargs=-1, required=True, type=click.IntRange(min=0))
@settings_file
@as_json
@click.pass_context
def replay(ctx: click.Context, letter_ids: tuple[int, ...], settings_path: Path | None, *, as_json: bool) -> None:
    """Send them."""
    settings = load_settings(settings_path)
    if not settings.store.url:
        raise BadInputError(
            "setting store.url",
            "is empty: a service on one machine sends its refused items again itself",
            "Use its page, or POST /api/v1/rejections/replay.",
            "未设置 store.url: 单机服务由服务自身重放。请在页面上操作,或 POST /api/v1/rejections/replay。",
        )
    from streams.deadletters import open_letters

    with open_letters(settings) as services:
        answers = services.replay.replay(letter_ids, actor=ACTOR)
    rows = [
        {"id": letter, "accepted": answer.accepted, "reason": answer.reject.reason.value if answer.reject else None}
        for letter, answer in zip(letter_ids, answers, strict=True)
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    for row in () if as_json else rows:
        said = "已接收 accepted" if row["accepted"] else f"仍被拒绝 refused again: {row['reason']}"
        click.echo(f"{row['id']:>8}  {said}")
    ctx.exit(Exit.OK if all(answer.accepted for answer in answers) else Exit.BAD_INPUT)


def _settings(data: Path | None, settings_path: Path | None) -> Settings:
    return with_service(load_settings(settings_path), data=None if data is None else str(data))


@contextmanager
def _letters(settings: Settings) -> Iterator[tuple[SqlDeadLetters, datetime]]:
    """Give the letters of a cluster, or of a data folder."""
    try:
        from warning.bootstrap import letters
    except ModuleNotFoundError as error:
        raise not_installed(error) from error
    if not settings.store.url:
        with letters.open_letters(settings) as found:
            yield found
        return
    from streams.originals import KafkaDeadLetters
    from warning.bootstrap.accounts import wall_now
    from warning.bootstrap.folder import open_store

    database = open_store(settings)
    try:
        yield KafkaDeadLetters(settings, database), wall_now()
    finally:
        database.close()


def _letter(letters: SqlDeadLetters, letter_id: int) -> DeadLetter:
    found = letters.get([letter_id])
    if not found:
        raise UnknownNameError("rejection", str(letter_id), [])
    return found[0]


def _line(letter: DeadLetter) -> str:
    reject = letter.reject
    state = f"  已重放 replayed {date(letter.replayed_at)}" if letter.replayed_at else ""
    return f"{letter.id:>8}  {date(letter.at)}  {letter.source:<16} {reject.reason.value:<20} {reject.field}{state}"


def _plain(letter: DeadLetter) -> dict[str, Any]:
    reject = letter.reject
    return {
        "id": letter.id,
        "at": iso(letter.at),
        "source": letter.source,
        "row": reject.row,
        "reason": reject.reason.value,
        "field": reject.field,
        "value": reject.value,
        "advice_zh": reject.advice_zh,
        "advice_en": reject.advice_en,
        "replayed_at": iso(letter.replayed_at),
        "original_until": iso(letter.original_until),
    }
