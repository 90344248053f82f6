"""Settings: the only reader of the environment and of settings files.

Every setting has a default that works. A YAML file (``--settings FILE``) overrides defaults (a name with nothing after
it keeps its default); environment variables named ``EARLY_WARNING_<GROUP>__<NAME>`` (for example
``EARLY_WARNING_ENGINE__LATENESS_MINUTES``) override the file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from warning.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ENVIRONMENT_PREFIX = "EARLY_WARNING_"


_ADVICE = "See the settings table in the README."


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _not_yes_or_no(cls, value: object) -> object:
        """YAML reads ``no`` and ``off`` as false, which would count as the number 0."""
        if isinstance(value, bool):
            raise PydanticCustomError("yes_or_no", "YAML reads this as yes or no; write a number, or a text in quotes")
        return value


def _as_number(value: object) -> object:
    """Environment variables are text, which a closed set of numbers does not take."""
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


class EngineGroup(_Group):
    """How the engine counts. 引擎如何计数."""

    shards: int = Field(64, ge=1, le=255, description="Logical shards; the same in every runtime. 逻辑分片数")
    step_minutes: Literal[1, 5, 15] = Field(
        15, description="Minutes between ticks in a back-test. 回测的时钟步长 (分钟)"
    )
    lateness_minutes: int = Field(
        60, ge=0, le=7 * 24 * 60, description="How late a ticket may arrive and still count. 允许迟到 (分钟)"
    )
    dedupe_horizon_days: int = Field(
        30, ge=1, le=400, description="How long a (source, id) is remembered. 去重记忆天数"
    )
    dedupe_capacity: int = Field(
        30_000_000, ge=64, description="Ids remembered over all shards; beyond it the horizon shortens. 去重容量"
    )
    series_quota_per_shard: int = Field(
        2_000, ge=1, description="Series a shard admits; the rest share an overflow series. 每分片序列上限"
    )
    name_quota: int = Field(
        500, ge=1, description="Departments and channels admitted (areas: ten times as many). 部门与渠道上限"
    )
    warm_up_hours: int = Field(
        24, ge=0, le=24 * 60, description="Hours at the start that only teach and raise nothing. 预热小时数"
    )
    history_days: int = Field(730, ge=8, description="Days of counts kept for charts and refits. 计数保留天数")

    @field_validator("step_minutes", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return _as_number(value)


class PolicyGroup(_Group):
    """When a person is asked to look. 何时请人查看."""

    false_alerts_per_week: float = Field(
        0.1, gt=0, le=1000, description="Expected false alerts a week over all series. 每周预期误报数"
    )
    minimum_tickets: int = Field(7, ge=1, description="Fewest tickets in a window that can alert. 触发预警的最少工单数")
    minimum_ratio: float = Field(
        1.5, ge=1, description="Smallest observed / expected that can alert. 触发预警的最小倍数"
    )
    merge_hours: int = Field(
        24, ge=1, le=24 * 14, description="Signals of one cause this close in time are one episode. 合并间隔 (小时)"
    )
    protection_limit_days: int = Field(
        14, ge=1, le=365, description="Unreviewed evidence keeps a series from learning at most so long. 保护上限 (天)"
    )


class ServiceGroup(_Group):
    """How the service runs on one machine. 服务如何在一台机器上运行."""

    data: str = Field("early-warning-data", description="Folder of the database. 数据目录")
    host: str = Field("127.0.0.1", description="Address to listen on. 监听地址")
    port: int = Field(8311, ge=0, le=65535, description="Port to listen on; 0: any free one. 监听端口")
    prefix: str = Field(
        "", pattern=r"^(/[a-zA-Z0-9._~-]+)*$", description="Path under which a proxy shows the service. 代理路径前缀"
    )
    tls: Literal["none", "proxy"] = Field(
        "none", description="`proxy`: TLS ends in a proxy before it, cookies are for HTTPS only. TLS 由代理终结"
    )
    proxies: str = Field("127.0.0.1", description="Addresses of proxies that are believed. 受信任的代理地址")
    tick_minutes: Literal[1, 5, 15] = Field(
        1,
        description="Minutes between ticks of the live clock; fixed at the first start. 实时步长 (分钟),不可更改",
    )
    snapshot_minutes: int = Field(5, ge=1, le=24 * 60, description="Minutes between snapshots. 快照间隔 (分钟)")
    queue_items: int = Field(
        20_000, ge=100, description="Pushed items that may wait to be written; beyond it 503. 等待写入的上限 (条)"
    )
    body_mb: int = Field(10, ge=1, le=1000, description="Largest body of a push, megabytes. 推送请求体上限 (MB)")
    history_mb: int = Field(
        2000, ge=1, le=100_000, description="Largest file of history sent by HTTP, megabytes. 上传历史文件上限 (MB)"
    )
    items: int = Field(10_000, ge=1, description="Most items in a request. 每次请求的条数上限")
    quota_per_minute: int = Field(
        600_000, ge=1, description="Items a minute and key; beyond it 429. 每个密钥每分钟条数上限"
    )

    @field_validator("tick_minutes", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return _as_number(value)


class RetentionGroup(_Group):
    """How long things are kept. 保留期限."""

    log_days: int = Field(400, ge=1, description="Log records; what a snapshot does not cover stays. 日志保留天数")
    ticket_days: int = Field(400, ge=1, description="What became of each ticket. 工单状态保留天数")
    history_days: int = Field(
        3_650, ge=1, description="Loaded history, by the day of its tickets, without texts. 载入历史的保留天数"
    )
    alert_days: int = Field(
        3_650, ge=1, description="Alerts that ended; twice as long while one is worked on. 已结束预警的保留天数"
    )
    rejected_days: int = Field(90, ge=1, description="Dead letters. 死信保留天数")
    original_hours: int = Field(
        72, ge=1, le=72, description="Originals of refused items, which may hold personal data. 原文保留小时数"
    )


class StoreGroup(_Group):
    """Where the database is. 数据库在哪里."""

    url: str = Field(
        "",
        pattern=r"^(postgresql://([^\s:@/]+@)?[^\s@]+)?$",
        description="`postgresql://user@host/name` without a password; empty: SQLite in `service.data`. 数据库地址",
    )
    password_file: str = Field("", description="File that holds the database user's password. 数据库密码文件")


class KafkaGroup(_Group):
    """How the cluster's processes reach Kafka. 集群如何连接 Kafka."""

    bootstrap: str = Field("127.0.0.1:9092", min_length=1, description="Brokers, `host:port,...`. 服务器地址")
    prefix: str = Field(
        "", pattern=r"^[a-zA-Z0-9._-]*$", max_length=100, description="Before the names of topics and groups. 名称前缀"
    )
    partitions: int = Field(
        6, ge=1, le=255, description="Of the log `tickets`, when it is made; later: `repartition`. 日志的分区数"
    )
    input_partitions: int = Field(
        6, ge=1, le=1000, description="Of `tickets.raw` and `tickets.pushed`. 接入主题的分区数"
    )
    replication: int = Field(1, ge=1, le=10, description="Copies of every topic. 副本数")
    min_insync: int = Field(1, ge=1, le=10, description="Copies that must have a record before it counts. 最少同步副本")
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How connections are protected. 连接保护方式"
    )
    ca_file: str = Field("", description="Certificates that are believed (PEM); empty: the system's. CA 证书")
    cert_file: str = Field("", description="The client's certificate (PEM), if brokers ask for one. 客户端证书")
    key_file: str = Field("", description="Its key. 客户端私钥")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="Of SASL. SASL 机制"
    )
    username: str = Field("", description="Of SASL. SASL 用户名")
    password_file: str = Field("", description="File that holds its password. SASL 密码文件")
    instance: str = Field(
        "", description="The process' own name for static membership; empty: host and `cluster.port`. 进程的固定名称"
    )


class ClusterGroup(_Group):
    """How the cluster's workers behave. 集群各进程如何运行."""

    host: str = Field("127.0.0.1", description="Address of a worker's metrics and health. 指标与健康检查的监听地址")
    port: int = Field(8312, ge=0, le=65535, description="Their port; 0: any free one. 其端口")
    source: str = Field(
        "kafka", min_length=1, description="Source of records in `tickets.raw` that name none. 默认来源"
    )
    batch_tickets: int = Field(2_000, ge=1, description="Tickets in a log record at most. 每条日志记录的工单上限")
    flush_milliseconds: int = Field(
        100, ge=1, le=10_000, description="How long a ticket waits for others of its shard at most. 攒批的最长等待"
    )
    snapshot_seconds: int = Field(60, ge=1, description="Between snapshots of a partition. 快照间隔 (秒)")
    snapshot_tickets: int = Field(200_000, ge=1, description="Tickets after which one is taken early. 提前快照的工单数")
    wait_seconds: int = Field(
        60, ge=1, description="A partition that has not reported a tick for so long is left out. 分区未上报的等待时限"
    )


class Settings(_Group):
    """All settings of the service. 全部设置."""

    jurisdiction: str = Field(
        "", description="Name of the jurisdiction; empty: the mapping's (service: city). 辖区名称"
    )
    zone: str = Field("", description="Time zone of days and weeks; empty: the mapping's (service: UTC). 时区")
    register_file: str = Field("", description="Area register, YAML or CSV; empty: none. 区域登记表")
    engine: EngineGroup = EngineGroup()
    policy: PolicyGroup = PolicyGroup()
    service: ServiceGroup = ServiceGroup()
    retention: RetentionGroup = RetentionGroup()
    store: StoreGroup = StoreGroup()
    kafka: KafkaGroup = KafkaGroup()
    cluster: ClusterGroup = ClusterGroup()


def load_settings(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read defaults, then a YAML file, then the environment; raises InvalidInputError naming the field."""
    values = _read_file(path) if path is not None else {}
    variables = _variables(os.environ if environment is None else environment)
    for dotted, (variable, text) in variables.items():
        _set_dotted(values, dotted, text, variable)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        file = f"settings {path}" if path else "settings"
        where = next((v for dotted, (v, _) in variables.items() if f"{dotted}.".startswith(f"{name}.")), file)
        raise InvalidInputError(f"{where}: {name}", f"{first['msg']} (got {first.get('input')!r})", _ADVICE) from error


def setting_names(model: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    """Return the dotted name of every setting."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += setting_names(field.annotation, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names


def _read_file(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(f"settings {path}", f"cannot be read ({error})", "Check the path.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"settings {path}", f"is not YAML ({error})", "Correct the file.") from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise InvalidInputError(f"settings {path}", "is not a table of settings", "Write `name: value` lines.")
    return _stated(loaded)


def _stated(table: dict[str, Any]) -> dict[str, Any]:
    """Leave out names that have nothing after them."""
    return {k: _stated(v) if isinstance(v, dict) else v for k, v in table.items() if v is not None}


def _variables(environment: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return, by dotted name, the variable that sets it and its text."""
    return {
        name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", "."): (f"environment variable {name}", text)
        for name, text in sorted(environment.items())
        if name.startswith(ENVIRONMENT_PREFIX)
    }


def _set_dotted(values: dict[str, Any], dotted: str, text: str, variable: str) -> None:
    *groups, name = dotted.split(".")
    for group in groups:
        values = values.setdefault(group, {})
        if not isinstance(values, dict):
            raise InvalidInputError(variable, f"{group} is given as {values!r}, which has no {name}", _ADVICE)
    values[name] = text
