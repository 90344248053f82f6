"""Errors of reading and writing that say in both languages what is wrong and what to do."""

from __future__ import annotations

import errno
from pathlib import Path

from warning.domain.errors import EarlyWarningError, InvalidInputError


class BadInputError(InvalidInputError):
    """An input that cannot be used; carries the Chinese sentence too."""

    def __init__(self, where: str, problem: str, advice: str, zh: str) -> None:
        super().__init__(where, problem, advice)
        self.zh = zh


class UnwritableOutputError(EarlyWarningError):
    """An output that could not be written whole; nothing of it was left where the answer belongs."""

    def __init__(self, where: str, problem: str, advice: str, zh: str) -> None:
        super().__init__(f"{where}: {problem}. {advice}")
        self.where = where
        self.zh = zh


_CAUSES: dict[int, tuple[str, str, str, str]] = {
    errno.ENOSPC: ("the disk is full", "Free some space or choose another place.", "磁盘已满", "请清理空间或另选位置"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space.", "磁盘配额已用完", "请清理空间"),
    errno.EFBIG: (
        "the file size limit is reached",
        "Raise the limit (ulimit -f).",
        "超过文件大小限制",
        "请调高 ulimit -f",
    ),
    errno.EACCES: ("no permission to write", "Check its owner and mode.", "没有写入权限", "请检查所有者和权限"),
    errno.EPERM: ("no permission to write", "Check its owner and mode.", "没有写入权限", "请检查所有者和权限"),
    errno.EISDIR: ("it is a folder", "Choose another name.", "它是目录", "请另选名称"),
    errno.EEXIST: ("a part of the path is a file", "Choose another name.", "路径中有一段是文件", "请另选名称"),
    errno.EROFS: ("the disk is read-only", "Choose another place.", "磁盘只读", "请另选位置"),
    errno.ENOENT: ("the folder above it does not exist", "Create it first.", "上级目录不存在", "请先建立"),
    errno.ENOTDIR: ("a part of the path is a file", "Choose another name.", "路径中有一段是文件", "请另选名称"),
    errno.EBUSY: (
        "it is in use or a mount point",
        "Name a folder inside it.",
        "正被占用或是挂载点",
        "请指定其中的子目录",
    ),
}


def unwritable(where: Path, error: OSError) -> UnwritableOutputError:
    """Say what an operating system error means for the output that was being written."""
    other = (str(error.strerror or error), "Choose another place.", str(error.strerror or error), "请另选位置")
    problem, advice, problem_zh, advice_zh = _CAUSES.get(error.errno or 0, other)
    return UnwritableOutputError(
        str(where), f"cannot be written, {problem}", advice, f"{where}: 无法写入,{problem_zh}。{advice_zh}。"
    )
