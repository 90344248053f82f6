"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from warning.settings import Settings

INPUT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_PATH = click.Path(path_type=Path)

ticket_files = click.argument("files", nargs=-1, type=INPUT_FILE)
mapping_name = click.option(
    "--mapping", "mapping", metavar="NAME", help="Mapping by name, or a YAML file of your own. 映射名称或文件。"
)
arrival_order = click.option(
    "--arrival-order",
    is_flag=True,
    help="Take rows in file order instead of sorting by time. 按文件中的先后,不按时间排序。",
)
settings_file = click.option(
    "--settings", "settings_path", metavar="FILE", type=INPUT_FILE, help="Settings file (YAML). 设置文件。"
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script. 输出 JSON。")
quiet = click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors. 只输出错误。")
data_folder = click.option(
    "--data",
    "data",
    type=NEW_PATH,
    metavar="DIR",
    help="Folder of the service's database [setting service.data]. 服务的数据目录。",
)


def with_service(settings: Settings, **changes: object) -> Settings:
    """Return the settings with what the command line said of the service; a folder that it names holds the database."""
    said = {name: value for name, value in changes.items() if value is not None}
    store = settings.store.model_copy(update={"url": ""}) if "data" in said else settings.store
    return settings.model_copy(update={"service": settings.service.model_copy(update=said), "store": store})
