"""From the settings to what each Kafka client wants to be told.

Every client of the service is made with one of these, so that TLS and SASL reach all of them.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warning.service.errors import BadInputError

if TYPE_CHECKING:
    from warning.settings import KafkaGroup, Settings

CONNECT_SECONDS = 3.0
SESSION_SECONDS = 6.0
"""After so long without a heartbeat a process counts as dead; by default the partitions would wait 60 s."""
HEARTBEAT_SECONDS = 1.5
REBALANCE_SECONDS = 10.0
"""So long others wait for a worker to finish what it has in hand and let go of its partitions."""


@dataclass(frozen=True, slots=True)
class Protection:
    """How a connection is protected.

    tls : None for connections that are not encrypted
    mechanism : of SASL; empty where clients do not log in, and then the rest is, too
    """

    tls: ssl.SSLContext | None = None
    mechanism: str = ""
    username: str = ""
    password: str = field(default="", repr=False)


def protection(settings: Settings) -> Protection:
    """Read what protects a connection; raises BadInputError that names the setting which cannot be used."""
    kafka = settings.kafka
    _refuse_what_has_no_effect(kafka)
    tls = _tls(kafka) if kafka.security.endswith("SSL") else None
    if not kafka.security.startswith("SASL"):
        return Protection(tls)
    if not kafka.username:
        raise _unusable("username", "is missing, SASL needs it", "Give it.", "使用 SASL 时必须给出")
    return Protection(tls, kafka.mechanism, kafka.username, _password(kafka.password_file))


def servers(settings: Settings) -> list[str]:
    """Return the addresses of the brokers; raises BadInputError where one has no port."""
    brokers = [broker.strip() for broker in settings.kafka.bootstrap.split(",") if broker.strip()]
    wrong = next((broker for broker in brokers if not broker.rpartition(":")[2].isdigit()), None)
    if wrong is not None or not brokers:
        advice = "Write host:port, several with commas between."
        raise _unusable("bootstrap", f"has no port in {wrong!r}", advice, f"{wrong!r} 缺少端口,应写作 主机:端口")
    return brokers


def aiokafka_options(settings: Settings) -> dict[str, Any]:
    """Return the arguments that every aiokafka client is made with."""
    return {"bootstrap_servers": servers(settings), **_options(settings)}


def member_options(settings: Settings, group: str, worker: str) -> dict[str, Any]:
    """Return the arguments of an aiokafka consumer that is a member of a group and commits what it has done.

    group : without the prefix
    """
    return {
        **aiokafka_options(settings),
        "group_id": f"{settings.kafka.prefix}{group}",
        "group_instance_id": instance(settings, worker),
        "session_timeout_ms": round(SESSION_SECONDS * 1000),
        "heartbeat_interval_ms": round(HEARTBEAT_SECONDS * 1000),
        "rebalance_timeout_ms": round(REBALANCE_SECONDS * 1000),
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
    }


def instance(settings: Settings, worker: str) -> str | None:
    """Return the name by which a process that was started again gets its partitions back at once.

    Two processes of one name would take everything from each other, so that the port of a host, which only one can
    have, is in it; None where any free port is taken.
    """
    if settings.kafka.instance:
        return f"{worker}-{settings.kafka.instance}"
    port = settings.cluster.port
    return f"{worker}-{socket.gethostname()}-{port}" if port else None


def kafka_python_options(settings: Settings) -> dict[str, Any]:
    """Return the arguments that every kafka-python client is made with."""
    return {"bootstrap_servers": servers(settings), **_options(settings)}


def faust_options(settings: Settings) -> dict[str, Any]:
    """Return the arguments that a Faust app is made with to reach the brokers."""
    # Both need only be there when a cluster is run.
    from faust.auth import SASLCredentials, SSLCredentials  # noqa: PLC0415
    from faust.types.auth import CredentialsT  # noqa: PLC0415

    use = protection(settings)
    credentials: CredentialsT | None = None
    if use.mechanism:
        credentials = SASLCredentials(
            username=use.username, password=use.password, ssl_context=use.tls, mechanism=use.mechanism
        )
    elif use.tls is not None:
        credentials = SSLCredentials(use.tls)
    brokers = ";".join(f"kafka://{broker}" for broker in servers(settings))
    return {"broker": brokers, "broker_credentials": credentials}


def _options(settings: Settings) -> dict[str, Any]:
    """Return what aiokafka and kafka-python call the same."""
    use = protection(settings)
    options: dict[str, Any] = {"security_protocol": settings.kafka.security}
    if use.tls is not None:
        options["ssl_context"] = use.tls
    if use.mechanism:
        options |= {
            "sasl_mechanism": use.mechanism,
            "sasl_plain_username": use.username,
            "sasl_plain_password": use.password,
        }
    return options


def _refuse_what_has_no_effect(kafka: KafkaGroup) -> None:
    """Nobody shall believe a connection protected that is not."""
    unused = []
    if not kafka.security.endswith("SSL"):
        unused += ["ca_file", "cert_file", "key_file"]
    if not kafka.security.startswith("SASL"):
        unused += ["username", "password_file"]
    for name in unused:
        if getattr(kafka, name):
            problem = f"is given, but kafka.security is {kafka.security}, which does not use it"
            advice = "Set kafka.security, or leave this out."
            raise _unusable(name, problem, advice, f"已给出,但 kafka.security 为 {kafka.security},不会用到它")


def _tls(kafka: KafkaGroup) -> ssl.SSLContext:
    # An empty file of certificates is refused here; the system's own are taken where none is named.
    try:
        context = ssl.create_default_context(cafile=kafka.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise _unreadable("ca_file", kafka.ca_file, error) from error
    if kafka.key_file and not kafka.cert_file:
        raise _unusable("cert_file", "is missing, kafka.key_file is its key", "Give both.", "已给出私钥,缺少证书")
    if kafka.cert_file:
        _readable("cert_file", kafka.cert_file)
        if kafka.key_file:
            _readable("key_file", kafka.key_file)
        try:
            # An encrypted key would otherwise be asked for on the terminal.
            context.load_cert_chain(kafka.cert_file, kafka.key_file or None, password=lambda: "")
        except (OSError, ssl.SSLError) as error:
            raise _unreadable("cert_file", kafka.cert_file, error) from error
    return context


def _password(file: str) -> str:
    if not file:
        raise _unusable("password_file", "is missing, SASL needs it", "Name a file.", "使用 SASL 时必须给出密码文件")
    password = _readable("password_file", file).decode("utf-8", "replace").rstrip("\r\n")
    if not password:
        raise _unusable("password_file", f"{file} is empty", "Write the password into it.", f"{file} 是空的")
    return password


def _readable(name: str, file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise _unreadable(name, file, error) from error


def _unreadable(name: str, file: str, error: OSError) -> BadInputError:
    why = error.strerror or str(error)
    return _unusable(
        name, f"{file} cannot be used ({why})", "Check the file and who may read it.", f"{file} 无法使用 ({why})"
    )


def _unusable(name: str, problem: str, advice: str, chinese: str) -> BadInputError:
    return BadInputError(f"setting kafka.{name}", problem, advice, f"设置 kafka.{name}: {chinese}。")


def need_a_broker(settings: Settings) -> None:
    """Fail at once where nobody listens: the client would try for long, and leave its sockets open."""
    error = OSError("no address")
    for server in servers(settings):
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
        except OSError as refused:
            error = refused
        else:
            return
    raise kafka_away(settings, error)


def kafka_away(settings: Settings, error: Exception) -> BadInputError:
    """Return the error that says, in both languages, that Kafka does not answer or refuses."""
    where = settings.kafka.bootstrap
    why = str(error) or type(error).__name__
    return BadInputError(
        "setting kafka.bootstrap",
        f"Kafka at {where} cannot be reached or does not answer ({why})",
        "Check that it runs, and kafka.security and what belongs to it.",
        f"设置 kafka.bootstrap: 无法连接 {where} 处的 Kafka,或其没有应答 ({why})。请检查它是否运行及各项 kafka 设置。",
    )
