"""What can be wrong with a database, in both languages."""

from __future__ import annotations

from warning.domain.errors import EarlyWarningError
from warning.service.errors import BadInputError, UnwritableOutputError
from warning.service.ports import StoreBusyError

RETRY_SECONDS = 10
"""How soon a write is worth another try: full disks are emptied by people, but locks and hiccups pass at once."""


class StoreUnwritableError(StoreBusyError):
    """A write failed (a full disk, a read-only one, an I/O error) and was rolled back whole; it may work later."""

    def __init__(self, where: str, cause: str, cause_zh: str) -> None:
        super().__init__(
            f"{where}: cannot be written, {cause}", RETRY_SECONDS, f"{where}: 无法写入,{cause_zh}。请稍后重试。"
        )
        self.where = where
        self.cause = cause


class StoreAwayError(StoreUnwritableError):
    """A server is not there, or takes nobody in: nothing can be written or read. It may be back soon."""

    def __init__(self, where: str, cause: str, cause_zh: str) -> None:
        StoreBusyError.__init__(
            self, f"{where}: cannot be reached, {cause}", RETRY_SECONDS, f"{where}: 无法访问,{cause_zh}。请稍后重试。"
        )
        self.where = where
        self.cause = cause


class OvertakenError(EarlyWarningError):
    """Another process went on from the same position: what this one has to say was, or will be, said by that one."""

    def __init__(self, expected: object, found: object) -> None:
        super().__init__(f"another process went on: position {expected} was expected, {found} is stored")
        self.expected = expected
        self.found = found


class StoreInUseError(UnwritableOutputError):
    """Another process runs on this database; ``pid`` is its id (0: unknown)."""

    def __init__(self, where: str, pid: int) -> None:
        super().__init__(
            where,
            f"is in use by process {pid or '(unknown)'}",
            "Stop that service first, or give another data folder.",
            f"{where}: 正被进程 {pid or '(未知)'} 使用。请先停止该服务,或另选数据目录。",
        )
        self.pid = pid


class StoreVersionError(BadInputError):
    """The database is of a version that this program does not know, or is none of ours."""

    @classmethod
    def newer(cls, where: str, version: str) -> StoreVersionError:
        """Say that a newer program wrote it."""
        return cls(
            where,
            f"was written by a newer version of this program (schema {version})",
            "Install that version, or restore a backup made with this one.",
            f"{where}: 由更新版本的程序写入 (结构版本 {version})。请安装该版本,或用本版本的备份恢复。",
        )

    @classmethod
    def running(cls, where: str, version: str, pid: int) -> StoreVersionError:
        """Say that the service of an older program runs on it, so that its tables cannot be changed."""
        return cls(
            where,
            f"is of an older version (schema {version}), and a service runs on it (process {pid or '(unknown)'})",
            "Stop the service first, or use the program it runs.",
            f"{where}: 结构版本较旧 ({version}),有服务正在运行 (进程 {pid or '(未知)'})。请先停止它,或使用其程序版本。",
        )

    @classmethod
    def foreign(cls, where: str) -> StoreVersionError:
        """Say that it is not one of our databases."""
        return cls(
            where,
            "is not a database of this program",
            "Give another data folder.",
            f"{where}: 不是本程序的数据库。请另选数据目录。",
        )


class StoreUnreadableError(BadInputError):
    """SQLite cannot open a database that may well be sound: it needs to write beside it, also to read."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(
            where,
            f"cannot be opened ({problem})",
            "Check that its folder is not read-only, or copy the folder to one that is not.",
            f"{where}: 无法打开 ({problem})。请检查所在目录是否只读,或把整个目录复制到可写之处。",
        )


class StoreDamagedError(BadInputError):
    """The file is damaged, or no database at all."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(
            where,
            f"is damaged or no database ({problem})",
            "Restore a backup, or give another data folder.",
            f"{where}: 已损坏或不是数据库 ({problem})。请恢复备份,或另选数据目录。",
        )
