"""The group of all commands: version, exit codes, and errors as sentences in both languages."""

from __future__ import annotations

import errno
from enum import IntEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from warning.domain.errors import EarlyWarningError, InvalidInputError, UnknownNameError
from warning.service.errors import BadInputError, UnwritableOutputError
from warning.service.ports import StoreBusyError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
_KINDS = {
    "alert": "预警",
    "mapping": "映射",
    "format": "格式",
    "user": "用户",
    "key": "密钥",
    "source": "来源",
    "city": "城市",
    "plan": "计划",
    "rejection": "死信",
}


class Exit(IntEnum):
    """What the process tells a script."""

    OK = 0
    FAILED = 1
    """A defect ended the service; what it had accepted is safe, and a new start goes on from there."""
    USAGE = 2
    """The command line is wrong, or names something that does not exist."""
    BAD_INPUT = 3
    """An input (a file, a mapping, a settings file) cannot be used."""
    BAD_OUTPUT = 4
    """The output could not be written; what stood there before still does."""
    INTERRUPTED = 130


class Commands(click.Group):
    """A group whose commands end, where a user can help, with one clear sentence and an exit code, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EarlyWarningError as error:
            _say(_chinese(error), str(error))
            ctx.exit(_code(error))
        except KeyboardInterrupt:
            _say("已中断,未写出结果。", "Interrupted; nothing was written.")
            ctx.exit(Exit.INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            _say(f"系统错误: {error}", f"The system refused: {error}")
            ctx.exit(Exit.BAD_OUTPUT if error.errno in _FULL else Exit.BAD_INPUT)


def program_version() -> str:
    """Return the version of the installed package."""
    try:
        return version("early-warning")
    except PackageNotFoundError:
        return "0+unknown"


def example(*lines: str) -> str:
    """Lay out the examples below a command's help."""
    return "\n".join(["\b", "Example 示例:", *(f"  {line}" for line in lines)])


def _say(chinese: str, english: str) -> None:
    click.echo(f"错误: {chinese}\nError: {english}", err=True)


def _chinese(error: EarlyWarningError) -> str:
    if isinstance(error, (BadInputError, UnwritableOutputError, StoreBusyError)):
        return error.zh
    if isinstance(error, UnknownNameError):
        kind = _KINDS.get(error.kind, error.kind)
        return f"没有名为 {error.name!r} 的{kind};现有: {', '.join(error.known) or '无'}。"
    if isinstance(error, InvalidInputError):
        return f"{error.where}: 无法使用,原因与办法见下一行。"
    return str(getattr(error, "zh", "无法继续,原因与办法见下一行。"))


def _code(error: EarlyWarningError) -> Exit:
    if isinstance(error, UnknownNameError):
        return Exit.USAGE
    return Exit.BAD_OUTPUT if isinstance(error, (UnwritableOutputError, StoreBusyError)) else Exit.BAD_INPUT


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example(
        "early-warning backtest requests.csv --mapping nyc311 --out result",
        "early-warning explain result 7f3a",
        "early-warning COMMAND --help",
    )
    + "\n\n\b\nExit codes 退出码:\n  0 done 完成\n  1 a defect 程序缺陷\n  2 wrong command line 命令有误\n"
    "  3 unusable input 输入无法使用\n"
    "  4 output not written 结果未能写出\n  130 interrupted 已中断",
    help="Early, calibrated and explained warnings from complaint tickets.\n\n"
    "从投诉与诉求工单中尽早给出有概率、有理由的预警。",
)
@click.version_option(program_version(), prog_name="early-warning")
def main() -> None:
    """Hold the commands."""
