"""What a person does about an alert."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from warning.api.schemas.base import Given, In
from warning.domain.alert import Disposition
from warning.domain.handling import Act

Reason = Annotated[str, Field(max_length=2000, description="Why, in a sentence or two. 理由")]


def _example(**members: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [{"version": 0} | members]})


class ActIn(In):
    """What every act says: the version of the alert that was seen, and why."""

    act: ClassVar[Act]
    version: Annotated[int, Field(strict=True, ge=0, le=2**31, description="handling.version as seen. 所见的版本")]
    reason: Reason = ""


class AcknowledgeIn(ActIn):
    """Take an alert up."""

    model_config = _example(reason="已联系街道核实")
    act = Act.ACKNOWLEDGE


class AssignIn(ActIn):
    """Give an alert to somebody."""

    model_config = _example(assignee="wang")
    act = Act.ASSIGN
    assignee: Annotated[str, Field(min_length=1, max_length=200)]


class SnoozeIn(ActIn):
    """Put an alert off."""

    model_config = _example(until="2099-05-02T08:00:00+08:00")
    act = Act.SNOOZE
    until: Given


class NoteIn(ActIn):
    """Say something about an alert."""

    model_config = _example(reason="与昨日停水有关")
    act = Act.NOTE
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class CloseIn(ActIn):
    """End the handling of an alert."""

    model_config = _example(reason="已处理")
    act = Act.CLOSE


class ReopenIn(ActIn):
    """Take an alert up again."""

    model_config = _example(reason="问题再次出现")
    act = Act.REOPEN


class ReviewIn(ActIn):
    """Say what an alert was; this teaches the models."""

    model_config = _example(disposition="confirmed", reason="现场属实")
    act = Act.REVIEW
    disposition: Disposition
