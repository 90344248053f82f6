"""The root of every error this service raises on purpose.

Rows that cannot be read are not errors but values: see :mod:`warning.domain.reject`.
"""


class EarlyWarningError(Exception):
    """Root of the errors a user can do something about; the message names the field, the problem and what to do."""


class InvalidInputError(EarlyWarningError, ValueError):
    """A whole input (a file, a mapping, a register, a settings file) cannot be used."""

    def __init__(self, where: str, problem: str, advice: str) -> None:
        super().__init__(f"{where}: {problem}. {advice}")
        self.where = where
        self.problem = problem
        self.advice = advice


class IncompatibleSnapshotError(EarlyWarningError):
    """A snapshot was written by a version that this one cannot migrate; rebuild the state from the log."""


class UnknownNameError(EarlyWarningError, KeyError):
    """Something was asked for by a name that does not exist; carries the names that do."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        super().__init__(f"no {kind} is named {name!r}; there are: {', '.join(known) or 'none'}")
        self.kind = kind
        self.name = name
        self.known = known

    def __str__(self) -> str:
        return str(self.args[0])
