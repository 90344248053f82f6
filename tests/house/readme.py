"""What the README says in code, and whether the product has it: commands, options, settings, make targets."""

import re
from collections.abc import Iterator

import click
from pydantic import BaseModel

PROGRAM = "early-warning"
SHELL_ENDS_HERE = {"|", "||", "&&", ";", ">", ">>", "<", "&", "#"}
FENCE = re.compile(r"^```.*?\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def code(text: str) -> list[str]:
    """Every line of the fenced blocks, continued lines joined, and every code span."""
    blocks = "\n".join(FENCE.findall(text)).replace("\\\n", " ")
    spans = SPAN.findall(FENCE.sub("", text))
    return [line.strip().removeprefix("$ ").removeprefix(".venv/bin/") for line in [*blocks.splitlines(), *spans]]


def section(text: str, title: str) -> str:
    """The text under a heading of the second level whose title begins so, up to the next one."""
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        if part.startswith(title):
            return part
    return ""


def undocumented_commands(readme: str, app: click.Command) -> list[str]:
    """Commands and options of the program that no code in the README shows."""
    lines = code(readme)
    words = {word.partition("=")[0] for line in lines for word in re.split(r"[\s\[\],/|]+", line)}
    missing = []
    for path, command in _commands(app, PROGRAM):
        if not any(f"{line} ".startswith(f"{path} ") for line in lines):
            missing.append(path)
        missing += [f"{path} {option}" for option in _shown_options(command) if option not in words]
    return missing


def unknown_commands(readme: str, app: click.Command) -> list[str]:
    """Commands and options in the README's code that the program does not have."""
    known = {option for _, command in _commands(app, PROGRAM) for option in _all_options(command)}
    wrong = []
    for line in code(readme):
        words = line.split()
        if words[:1] == [PROGRAM]:
            wrong += [f"{line}: {word}" for word in _unknown_words(words[1:], app)]
        elif line.startswith("--") and words[0].partition("=")[0] not in known:
            wrong.append(line)
    return wrong


def undocumented_settings(readme: str, model: type[BaseModel]) -> list[str]:
    """Rows that the table of settings lacks, ready to be pasted."""
    named = _named_settings(readme)
    return [row for name, row in _settings(model) if name not in named]


def unknown_settings(readme: str, model: type[BaseModel], prefix: str) -> list[str]:
    """Settings that the table, or an environment variable in the README, names and the model does not have."""
    names = {name for name, _ in _settings(model)}
    variables = re.findall(rf"\b{prefix}[A-Z0-9_]*[A-Z0-9]\b", readme)
    wrong = [name for name in variables if name.removeprefix(prefix).lower().replace("__", ".") not in names]
    return sorted(_named_settings(readme) - names) + wrong


def make_targets(makefile: str) -> set[str]:
    """The targets of a Makefile that explain themselves with ##."""
    return set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))


def named_targets(readme: str) -> set[str]:
    """The make targets in the README's code."""
    calls = [line.split("#")[0].split()[1:] for line in code(readme) if line.startswith("make ")]
    return {word for words in calls for word in words if re.fullmatch(r"[a-z-]+", word)}


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _commands(child, f"{path} {name}")


def _shown_options(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            yield from (name for name in [*parameter.opts, *parameter.secondary_opts] if name.startswith("--"))


def _all_options(command: click.Command) -> set[str]:
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    return {"--help"}.union(*([*option.opts, *option.secondary_opts] for option in options))


def _unknown_words(words: list[str], command: click.Command) -> Iterator[str]:
    """The words of a command line that its commands do not know; a word in capitals stands for any command."""
    options = _all_options(command)
    for word in words:
        if word in SHELL_ENDS_HERE or word.isupper():
            return
        child = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if child is not None:
            command = child
            options = _all_options(child)
        elif word.startswith("--"):
            if word.strip("[]").partition("=")[0] not in options:
                yield word
        elif isinstance(command, click.Group) and word.isalpha():
            yield word


def _settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        dotted = prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _settings(field.annotation, f"{dotted}.")
        else:
            default = f"`{field.default}`" if field.default not in ("", None) else ""
            yield dotted, f"| `{dotted}` | {default} | {field.description or ''} |"


def _named_settings(readme: str) -> set[str]:
    return set(re.findall(r"^\| *`([a-z0-9_.]+)` *\|", section(readme, "Settings"), flags=re.MULTILINE))
