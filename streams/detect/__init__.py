"""The detect worker: follows the partitions of the log, each with the engine's shard stage of its shards.

What it says (a report of each tick, what became of each ticket) it says again after a restart from a snapshot, word
for word: whoever reads it takes each report and each outcome once.
"""
