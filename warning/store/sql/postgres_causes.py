"""Why a PostgreSQL server did not do its work, in both languages."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

_LONGEST = 300


class Cause(NamedTuple):
    """A reason, and its kind: an SQLSTATE, its first two digits, or a name of ours."""

    code: str
    english: str
    chinese: str


GONE = "gone"
AWAY = frozenset({GONE, "08", "57P", "53300", "3D000", "28"})
"""Kinds with which nothing can be read either."""

_SAID: dict[str, tuple[str, str]] = {
    "53100": ("the disk is full", "磁盘已满"),
    "53200": ("the server is out of memory", "服务器内存不足"),
    "53300": ("the server has too many connections", "服务器连接数已满"),
    "53": ("the server is short of something", "服务器资源不足"),
    "25006": ("it is read-only", "数据库只读"),
    "25P03": ("this process paused too long while it wrote", "本进程写入时停顿过久"),
    "55P03": ("another process is writing", "其他进程正在写入"),
    "40P01": ("another process is writing", "其他进程正在写入"),
    "40001": ("another process is writing", "其他进程正在写入"),
    "57014": ("it took too long", "执行超时"),
    "57P": ("the server is stopping or starting", "服务器正在停止或启动"),
    "58": ("the server's disk gives an error", "服务器磁盘读写出错"),
    "08": ("the connection to the server was lost", "与服务器的连接已断开"),
    "28": ("the server refuses this user", "服务器拒绝该用户"),
    "3D000": ("the server has no such database", "服务器上没有该数据库"),
}
"""By SQLSTATE, or how it begins: https://www.postgresql.org/docs/current/errcodes-appendix.html."""

_TOLD: tuple[tuple[str, str], ...] = (
    ("refused", "连接被拒绝"),
    ("timeout", "连接超时"),
    ("timed out", "连接超时"),
    ("authentication failed", "用户名或密码不正确"),
    ("no password supplied", "未提供密码"),
    ("does not exist", "用户或数据库不存在"),
    ("too many", "服务器连接数已满"),
    ("shutting down", "服务器正在停止"),
    ("starting up", "服务器正在启动"),
    ("recovery", "服务器正在恢复"),
    ("resolve host", "找不到主机"),
    ("idle-in-transaction", "本进程写入时停顿过久"),
    ("terminating connection", "连接被服务器终止"),
    ("closed the connection", "服务器断开了连接"),
)
"""Before a session there is no SQLSTATE, only a text; a server that speaks another language is shown as it is."""


def cause_of(error: DBAPIError) -> Cause | None:
    """Say why the server or the way to it is to blame; None for an error that is ours."""
    code = getattr(error.orig, "sqlstate", None)
    if code is None:
        return _untold(error)
    for kind in (code, code[:3], code[:2]):
        if kind in _SAID:
            return Cause(kind, *_SAID[kind])
    return None


def _untold(error: DBAPIError) -> Cause | None:
    if not (error.connection_invalidated or type(error.orig).__name__ in {"OperationalError", "ConnectionTimeout"}):
        return None
    said = first_line(str(error.orig))
    chinese = next((zh for sign, zh in _TOLD if sign in said), said)
    return Cause(GONE, said, chinese)


def first_line(message: str) -> str:
    """Return what an error says first: the other lines are hints, or quote a row."""
    return message.strip().split("\n", 1)[0][:_LONGEST]


def is_damage(error: DBAPIError) -> bool:
    """Whether an error says that a table or an index is damaged."""
    return str(getattr(error.orig, "sqlstate", "")).startswith("XX")
