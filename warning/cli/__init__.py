"""The command ``early-warning``: reads the command line, calls one service, says what came of it."""

from warning.cli import backtest, explain, log, mapping, schema, score, settings
from warning.cli.app import main

for _command in (
    backtest.backtest,
    score.score,
    explain.explain,
    mapping.mapping,
    log.log,
    schema.schema,
    settings.settings,
):
    main.add_command(_command)

__all__ = ["main"]
