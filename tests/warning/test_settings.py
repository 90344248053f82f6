"""Settings: defaults, then a file, then the environment; what is wrong is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import settings as patience
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from warning.domain.errors import InvalidInputError
from warning.settings import ENVIRONMENT_PREFIX, Settings, load_settings, setting_names

NOTHING: dict[str, str] = {}


def _file(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper().replace(".", "__")


def _value(settings: Settings, name: str) -> Any:
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _fields(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def _another(name: str, field: FieldInfo) -> Any:
    """Give a value that the setting takes and that is not its default."""
    if field.annotation is str:
        return {"store.url": "postgresql://elsewhere/name", "kafka.prefix": "elsewhere"}.get(name, "/elsewhere")
    if get_origin(field.annotation) is Literal:
        return next(value for value in get_args(field.annotation) if value != field.default)
    return field.default - 1 if field.default == 72 else field.default + 1


FIELDS = list(_fields())


def test_defaults_are_what_operators_are_told() -> None:
    """Without a file and with an empty environment every setting has its documented default."""
    settings = load_settings(environment=NOTHING)
    assert settings == Settings()
    assert (settings.jurisdiction, settings.zone, settings.register_file) == ("", "", "")
    assert settings.engine.model_dump() == {
        "shards": 64,
        "step_minutes": 15,
        "lateness_minutes": 60,
        "dedupe_horizon_days": 30,
        "dedupe_capacity": 30_000_000,
        "series_quota_per_shard": 2_000,
        "name_quota": 500,
        "warm_up_hours": 24,
        "history_days": 730,
    }
    assert settings.policy.model_dump() == {
        "false_alerts_per_week": 0.1,
        "minimum_tickets": 7,
        "minimum_ratio": 1.5,
        "merge_hours": 24,
        "protection_limit_days": 14,
    }


def test_names_are_listed_once_with_their_groups() -> None:
    """Every setting is listed by its dotted name, groups themselves are not."""
    assert setting_names() == [name for name, _ in FIELDS]
    assert len(set(setting_names())) == len(FIELDS)
    assert {"jurisdiction", "engine.lateness_minutes", "policy.merge_hours"} <= set(setting_names())
    assert "engine" not in setting_names()


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=[name for name, _ in FIELDS])
def test_each_setting_can_be_set_by_file_and_by_environment(name: str, field: FieldInfo, tmp_path: Path) -> None:
    """A file sets any setting, the environment any setting too, and neither touches another one."""
    other = _another(name, field)
    *group, last = name.split(".")
    text = f"{group[0]}: {{{last}: {other}}}\n" if group else f"{last}: {other}\n"
    for settings in (
        load_settings(_file(tmp_path, text), NOTHING),
        load_settings(environment={_variable(name): str(other)}),
    ):
        assert _value(settings, name) == other != field.default
        assert type(_value(settings, name)) is type(field.default)
        changed = [known for known in setting_names() if _value(settings, known) != _value(Settings(), known)]
        assert changed == [name]


def test_environment_wins_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    """Of one setting the environment's value counts; what it does not name stays the file's."""
    path = _file(tmp_path, "engine: {lateness_minutes: 30, shards: 8}\nzone: Asia/Shanghai\n")
    settings = load_settings(path, {_variable("engine.lateness_minutes"): "45", "OTHER_ENGINE__SHARDS": "9"})
    assert (settings.engine.lateness_minutes, settings.engine.shards) == (45, 8)
    assert (settings.zone, settings.engine.history_days) == ("Asia/Shanghai", 730)


def test_the_process_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only an explicit environment keeps the process's own out."""
    monkeypatch.setenv(_variable("policy.merge_hours"), "7")
    assert load_settings().policy.merge_hours == 7
    assert load_settings(environment=NOTHING).policy.merge_hours == 24


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "---\n", "engine:\n", "engine: {}\n", "engine:\n  shards:\nzone:\n", "\ufeffzone: ''\n"]
)
def test_what_is_left_empty_keeps_its_default(text: str, tmp_path: Path) -> None:
    """An empty file, group or value (and a byte order mark) changes nothing, with variables on top too."""
    path = _file(tmp_path, text)
    assert load_settings(path, NOTHING) == Settings()
    assert load_settings(path, {_variable("engine.shards"): "3"}).engine.shards == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("colour: red", "colour: Extra inputs are not permitted"),
        ("engine: {sharks: 3}", "engine.sharks: Extra inputs are not permitted"),
        ("ENGINE: {shards: 3}", "ENGINE: Extra inputs"),
        ("1: 2", "1: Keys should be strings"),
        ("engine: 5", "engine: Input should be a valid dictionary"),
        ("engine: {shards: many}", "engine.shards: .*integer.*got 'many'"),
        ("engine: {shards: 1.5}", "engine.shards: .*integer.*got 1.5"),
        ("engine: {shards: [1]}", "engine.shards: .*integer"),
        ("engine: {shards: 0}", "engine.shards: .*greater than or equal to 1"),
        ("engine: {shards: 256}", "engine.shards: .*less than or equal to 255"),
        ("engine: {step_minutes: 7}", "engine.step_minutes: .*1, 5 or 15.*got 7"),
        ("engine: {lateness_minutes: -1}", "engine.lateness_minutes: .*greater than or equal to 0"),
        ("engine: {lateness_minutes: no}", "engine.lateness_minutes: .*yes or no"),
        ("policy: {minimum_ratio: on}", "policy.minimum_ratio: .*yes or no"),
        ("zone: off", "zone: .*yes or no"),
        ("zone: 2020-01-01", "zone: .*string"),
        ("policy: {false_alerts_per_week: 0}", "policy.false_alerts_per_week: .*greater than 0"),
        ("policy: {false_alerts_per_week: .nan}", "policy.false_alerts_per_week"),
        ("policy: {minimum_ratio: 0.9}", "policy.minimum_ratio: .*greater than or equal to 1"),
    ],
)
def test_a_wrong_file_says_which_field_is_wrong_and_why(text: str, problem: str, tmp_path: Path) -> None:
    """Unknown names and wrong values name the file, the dotted field, the problem and where to look."""
    path = _file(tmp_path, text)
    with pytest.raises(InvalidInputError, match=problem) as raised:
        load_settings(path, NOTHING)
    assert raised.value.where.startswith(f"settings {path}: ")
    assert "README" in raised.value.advice


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"- a list\n", "not a table"), (b"just text", "not a table"), (b"a: [1", "not YAML"), (b"\xff\xfe", "not YAML")],
)
def test_a_file_that_is_no_table_is_refused(content: bytes, problem: str, tmp_path: Path) -> None:
    """Lists, plain text, broken YAML and other encodings are refused by the file's name."""
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=problem) as raised:
        load_settings(path, NOTHING)
    assert str(path) in raised.value.where


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A missing file, and a folder in its place, are told apart from wrong content."""
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(InvalidInputError, match="cannot be read"):
            load_settings(path, NOTHING)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("engine.shards", "many", "engine.shards: .*integer"),
        ("engine.shards", "", "engine.shards: .*integer"),
        ("engine.step_minutes", "7", "engine.step_minutes: .*1, 5 or 15"),
        ("engine.step_minutes", "soon", "engine.step_minutes: .*1, 5 or 15"),
        ("engine.sharks", "3", "engine.sharks: Extra"),
        ("engine.shards.first", "3", "engine.shards: .*integer"),
        ("engine", "3", "engine: .*dictionary"),
        ("colour", "red", "colour: Extra"),
    ],
)
def test_a_wrong_variable_is_named(name: str, text: str, problem: str, tmp_path: Path) -> None:
    """What is wrong in the environment names the variable, not the file that is right."""
    with pytest.raises(InvalidInputError, match=problem) as raised:
        load_settings(_file(tmp_path, "zone: UTC"), {_variable(name): text})
    assert raised.value.where.startswith(f"environment variable {_variable(name)}")


def test_a_variable_inside_what_is_no_group_is_named(tmp_path: Path) -> None:
    """A variable that would reach into a single value is refused, whatever gave that value."""
    inside = _variable("engine.shards")
    with pytest.raises(InvalidInputError, match=f"{inside}: engine is given as 5, which has no shards"):
        load_settings(_file(tmp_path, "engine: 5"), {inside: "3"})
    with pytest.raises(InvalidInputError, match=inside):
        load_settings(environment={_variable("engine"): "5", inside: "3"})


@given(st.dictionaries(st.sampled_from([_variable(name) for name, _ in FIELDS]), st.text(max_size=5)))
@patience(deadline=None)
def test_any_text_in_the_environment_is_taken_or_refused(environment: dict[str, str]) -> None:
    """Whatever variables hold, the answer is settings or an error that names one of them."""
    problem = ""
    try:
        load_settings(environment=environment)
    except InvalidInputError as error:
        problem = str(error)
    assert not problem or any(f"environment variable {name}: " in problem for name in environment)


def test_settings_cannot_be_changed_afterwards() -> None:
    """Settings are read once: assigning to one raises."""
    settings = load_settings(environment=NOTHING)
    for group, name in ((settings, "zone"), (settings.engine, "shards"), (settings.policy, "merge_hours")):
        with pytest.raises(ValueError, match="frozen"):
            setattr(group, name, 3)


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=[name for name, _ in FIELDS])
def test_every_description_is_in_both_languages(name: str, field: FieldInfo) -> None:
    """Each setting says in English, then in Chinese, what it does."""
    assert re.search(r"[A-Za-z]{3}.*[\u4e00-\u9fff]{2}", field.description or "")


def test_every_group_is_described_in_both_languages() -> None:
    """Each group of settings says in English and in Chinese what it is about."""
    groups = [field.annotation for field in Settings.model_fields.values() if field.annotation is not str]
    assert len(groups) == 7
    for group in (Settings, *groups):
        assert group is not None
        assert re.search(r"[A-Za-z]{3}.*[\u4e00-\u9fff]{2}", group.__doc__ or "")
