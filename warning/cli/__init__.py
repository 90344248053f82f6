"""The command ``early-warning``: reads the command line, calls one service, says what came of it."""

from warning.cli import (
    backtest,
    backup,
    cluster,
    deadletters,
    demo,
    evaluate,
    explain,
    keys,
    load,
    log,
    mapping,
    plans,
    repartition,
    replay,
    schema,
    score,
    serve,
    settings,
    simulate,
    topics,
    users,
)
from warning.cli.app import main

for _command in (
    backtest.backtest,
    score.score,
    explain.explain,
    mapping.mapping,
    log.log,
    schema.schema,
    settings.settings,
    simulate.simulate,
    evaluate.evaluate_command,
    serve.serve,
    cluster.cluster,
    demo.demo,
    load.load,
    users.users,
    keys.keys,
    plans.plans,
    deadletters.deadletters,
    topics.topics,
    repartition.repartition,
    replay.replay,
    backup.backup,
    backup.restore,
):
    main.add_command(_command)

__all__ = ["main"]
