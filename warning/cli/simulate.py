"""``early-warning simulate``: a made-up city's tickets, with the truth beside them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from warning.cli.app import example
from warning.cli.options import NEW_PATH, as_json, quiet
from warning.cli.progress import progress_bar
from warning.service.errors import BadInputError
from warning.store.atomic import write_folder
from warning.store.files import check_result_folder

if TYPE_CHECKING:
    from warning.simulator import Simulation

FIRST_DAY = "2025-01-06"
"""A Monday in a year that every calendar knows: without --start the same command gives the same files for ever."""
LONGEST_DAYS = 3_660


@click.command(
    short_help="模拟城市 Make up a city's tickets",
    help="Make up a city's tickets with incidents whose truth is known.\n\n"
    "生成虚构城市的工单,并记录其中事件的真相。\n\n"
    "Writes tickets.csv, truth.jsonl, identities.jsonl, city.json, register.yaml and settings.yaml into the folder "
    "given with --out. The same city, days, seed and start give the same bytes. Nobody in the texts exists.\n\n"
    "结果写入 --out 指定的目录;同样的参数逐字节相同;文本中的个人信息均为虚构。",
    epilog=example(
        "early-warning simulate --city demo --days 120 --seed 1 --out city",
        "early-warning backtest city/tickets.csv --mapping simulated-city --settings city/settings.yaml --out result",
        "early-warning evaluate city result",
    ),
)
@click.option(
    "--city", required=True, metavar="NAME", help="City by name, or a YAML file of your own. 城市名称或文件。"
)
@click.option("--days", type=click.IntRange(1, LONGEST_DAYS), default=120, show_default=True, help="Days. 天数。")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Which of its lives. 随机种子。")
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    default=FIRST_DAY,
    show_default=True,
    help="First day. 第一天。",
)
@click.option(
    "--quiet-days",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Days at the start without incidents. 开头无事件的天数。",
)
@click.option("--out", required=True, type=NEW_PATH, metavar="DIR", help="Folder for the files. 结果目录。")
@as_json
@quiet
def simulate(
    city: str, days: int, seed: int, start: datetime, quiet_days: int, out: Path, *, as_json: bool, quiet: bool
) -> None:
    """Check the output first, then simulate, write and report."""
    try:
        from warning.simulator import load_city
        from warning.simulator import simulate as simulated
        from warning.simulator.export import CITY, FILES, files_of
    except ModuleNotFoundError as error:
        raise _not_installed(error) from error

    described = load_city(city)
    check_result_folder(out, FILES, CITY)
    with progress_bar(days, "模拟 simulating", hidden=as_json or quiet) as progress:
        simulation = simulated(described, seed, start.date(), days, quiet_days=quiet_days, progress=progress)
    write_folder(out, files_of(simulation))
    if not quiet:
        told = json.dumps(_plain(simulation), ensure_ascii=False, indent=2) if as_json else _text(simulation, out)
        click.echo(told)


def _not_installed(error: ModuleNotFoundError) -> BadInputError:
    return BadInputError(
        f"package {error.name}",
        "is not installed",
        "The simulator is the extra `simulation`: pip install 'early-warning[simulation]'.",
        f"{error.name}: 未安装。模拟器需要扩展 simulation: pip install 'early-warning[simulation]'。",
    )


def _plain(simulation: Simulation) -> dict[str, Any]:
    return {
        "city": simulation.city.name,
        "purpose": simulation.city.purpose.value,
        "tickets": len(simulation.tickets),
        "incidents": sum(truth.incident for truth in simulation.truth),
        "hard_negatives": sum(not truth.incident for truth in simulation.truth),
        "identities": len(simulation.identities),
        "calendar_sources": simulation.calendar_sources,
    }


def _text(simulation: Simulation, out: Path) -> str:
    city, told = simulation.city, _plain(simulation)
    counts = (
        f"{told['tickets']:,} 件工单 tickets, {told['incidents']} 个事件 incidents, "
        f"{told['hard_negatives']} 个易混情形 hard negatives"
    )
    lines = [f"{city.title.zh} {city.title.en}: {counts}."]
    fallbacks = [year for year, source in told["calendar_sources"].items() if ":CN" in source]
    if fallbacks:
        years = ", ".join(fallbacks)
        lines += [
            f"注意: {years} 年的放假安排尚未发布,按法定节假日计,不含调休。",
            f"Note: no holiday arrangement is published yet for {years}; statutory holidays, no make-up working days.",
        ]
    return "\n".join([*lines, f"文件 files: {out}"])
