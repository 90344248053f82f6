"""What a row says of its ticket's state: its status word and the mapping's row rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from warning.domain.reject import RejectReason
from warning.intake.mapping import TicketState
from warning.intake.names import clean_name, encode

if TYPE_CHECKING:
    from warning.intake.mapping import Mapping, RowRule, StatusField
    from warning.intake.times import BoolArray
    from warning.intake.work import Work

STATES = tuple(TicketState)
UNSTATED = -1
"""The row has no status word: a closing time, if there is one, closes the ticket."""

StateArray = NDArray[np.int8]


def read_states(mapping: Mapping, work: Work) -> StateArray:
    """Return each row's state as an index into STATES, or UNSTATED; refuses rows that are no requests."""
    states = np.full(len(work), UNSTATED, dtype=np.int8)
    if mapping.fields.status is not None:
        states = _of_words(mapping.fields.status, work)
    work.refusals.mark(is_state(states, TicketState.SKIP), "status", RejectReason.NOT_A_REQUEST)
    for rule in mapping.rows:
        hit = _matches(rule, work)
        if rule.becomes is TicketState.SKIP:
            work.refusals.mark(hit, rule.column, RejectReason.NOT_A_REQUEST)
        else:
            states[hit] = STATES.index(rule.becomes)
    return states


def is_state(states: StateArray, state: TicketState) -> BoolArray:
    """Where the state is the given one."""
    found: BoolArray = states == STATES.index(state)
    return found


def _of_words(field: StatusField, work: Work) -> StateArray:
    meanings = {_word(word): state for word, state in field.words.items()}
    column = encode(work.column(field.column))
    words = [_word(value) for value in column.values]
    unknown = np.array([bool(word) and word not in meanings for word in words], dtype=np.bool_)
    work.repairs.mark(unknown[column.codes], "status", "unknown_status")
    states = [STATES.index(meanings.get(word, field.otherwise)) if word else UNSTATED for word in words]
    return np.array(states, dtype=np.int8)[column.codes]


def _matches(rule: RowRule, work: Work) -> BoolArray:
    sought = {_word(value) for value in rule.values}
    column = encode(work.column(rule.column))
    hits = np.array([_word(value) in sought for value in column.values], dtype=np.bool_)
    return hits[column.codes]


def _word(cell: str) -> str:
    return clean_name(cell).casefold()
