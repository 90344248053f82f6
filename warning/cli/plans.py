"""``early-warning plans``: what is known beforehand, so that it raises no alert."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from warning.cli.accounts import iso, not_installed
from warning.cli.app import example
from warning.cli.options import as_json, data_folder, settings_file, with_service
from warning.settings import load_settings

if TYPE_CHECKING:
    from warning.service.planning import Planning
    from warning.service.ports import Plan

ACTOR = "command-line"
"""Who enters what is planned by a command."""


@click.group(
    short_help="计划活动 Planned events",
    help="Manage planned events, whether or not the service runs: what they explain raises no alert and is not learned."
    "\n\n管理计划活动,服务运行与否均可;计划能解释的变化不预警,也不学习。",
)
def plans() -> None:
    """Hold the commands on planned events."""


@plans.command(
    short_help="登记 Enter a planned event",
    help="Enter a planned event and print its id. Times without an offset are in the service's zone; no --area or no "
    "--category means all.\n\n登记计划活动并输出其编号。不带时差的时间按服务时区;不指定区域或类别表示全部。",
    epilog=example(
        "early-warning plans add 马拉松 --from 2026-05-03T06:00 --to 2026-05-03T14:00 --area 江川市/南岸区",
        "early-warning plans add 'Fair' --from 2026-05-03T06:00Z --to 2026-05-04T06:00Z --category Noise",
    ),
)
@click.argument("title")
@click.option("--from", "start", required=True, metavar="TIME", help="Start, ISO 8601. 开始时间。")
@click.option("--to", "end", required=True, metavar="TIME", help="End. 结束时间。")
@click.option("--area", "areas", multiple=True, metavar="PATH", help="Area, with all in it; may be repeated. 区域。")
@click.option("--category", "categories", multiple=True, metavar="NAME", help="Category; may be repeated. 类别。")
@data_folder
@settings_file
def add(
    title: str,
    start: str,
    end: str,
    areas: tuple[str, ...],
    categories: tuple[str, ...],
    data: Path | None,
    settings_path: Path | None,
) -> None:
    """Enter the event."""
    with _planning(data, settings_path) as (planning, zone):
        begins, ends = _moment("--from", start, zone), _moment("--to", end, zone)
        plan = planning.add(title, begins, ends, areas=areas, categories=categories, actor=ACTOR)
    click.echo(plan.id)
    click.echo(_line(plan, zone), err=True)


@plans.command(
    "list",
    short_help="列出 List planned events",
    help="List planned events that have not ended, by their start; with --all those that have, too.\n\n"
    "按开始时间列出未结束的计划活动;加 --all 则列出全部。",
    epilog=example("early-warning plans list", "early-warning plans list --all --json"),
)
@click.option("--all", "everything", is_flag=True, help="Also those that have ended. 包括已结束的。")
@data_folder
@settings_file
@as_json
def list_(data: Path | None, settings_path: Path | None, *, everything: bool, as_json: bool) -> None:
    """Print one line an event."""
    with _planning(data, settings_path) as (planning, zone):
        found = planning.plans(include_past=everything)
    if as_json:
        click.echo(json.dumps([_plain(plan) for plan in found], ensure_ascii=False, indent=2))
        return
    for plan in found:
        click.echo(_line(plan, zone))


@plans.command(
    short_help="取消 Call a planned event off",
    help="Call a planned event off; from then on it explains nothing.\n\n取消计划活动;此后不再用于解释变化。",
    epilog=example("early-warning plans cancel 5f0c2a9b17d3e846"),
)
@click.argument("plan_id", metavar="ID")
@data_folder
@settings_file
def cancel(plan_id: str, data: Path | None, settings_path: Path | None) -> None:
    """Call it off."""
    with _planning(data, settings_path) as (planning, zone):
        plan = planning.cancel(plan_id, ACTOR)
    click.echo(_line(plan, zone), err=True)


def _planning(data: Path | None, settings_path: Path | None) -> AbstractContextManager[tuple[Planning, ZoneInfo]]:
    """Open the planned events of the data folder given, else of the one that the settings name."""
    try:
        from warning.bootstrap.planning import open_planning
    except ModuleNotFoundError as error:
        raise not_installed(error) from error
    return open_planning(with_service(load_settings(settings_path), data=None if data is None else str(data)))


def _moment(option: str, text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        problem = f"{text!r} is no time; write it as 2026-05-01T08:00. 请写成 2026-05-01T08:00。"
        raise click.BadParameter(problem, param_hint=option) from error
    return moment if moment.utcoffset() is not None else moment.replace(tzinfo=zone)


def _line(plan: Plan, zone: ZoneInfo) -> str:
    times = " – ".join(moment.astimezone(zone).strftime("%Y-%m-%d %H:%M%z") for moment in (plan.start, plan.end))
    where = ", ".join(plan.areas) or "全部区域 all areas"
    what = ", ".join(plan.categories) or "全部类别 all categories"
    state = "" if plan.cancelled_at is None else "  已取消 called off"
    return f"{plan.id}  {times}  {plan.title}  ({where}; {what}){state}"


def _plain(plan: Plan) -> dict[str, object]:
    return {
        "id": plan.id,
        "title": plan.title,
        "start": iso(plan.start),
        "end": iso(plan.end),
        "areas": plan.areas,
        "categories": plan.categories,
        "entered_by": plan.entered_by,
        "entered_at": iso(plan.entered_at),
        "cancelled_at": iso(plan.cancelled_at),
    }
