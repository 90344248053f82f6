"""A Dockerfile as its instructions."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its word and what stands after it, on one line."""

    word: str
    rest: str


def instructions(text: str) -> list[Instruction]:
    """Return the instructions in their order; comments are left out, lines that go on are joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def stages(text: str) -> list[list[Instruction]]:
    """Return the instructions by stage, each from its FROM on."""
    parts: list[list[Instruction]] = []
    for each in instructions(text):
        if each.word == "FROM":
            parts.append([])
        parts[-1].append(each)
    return parts


def problems(text: str) -> list[str]:
    """Say what a careful reader would object to."""
    found = [
        f"not pinned: {each.rest}" for each in instructions(text) if each.word == "FROM" and not _pinned(each.rest)
    ]
    found += [f"ADD: {each.rest}" for each in instructions(text) if each.word == "ADD"]
    found += [f"address: {each.rest}" for each in instructions(text) if re.search(r"://(?!127\.)", each.rest)]
    last = stages(text)[-1]
    users = [each.rest for each in last if each.word == "USER"]
    if not users or not re.fullmatch(r"[1-9]\d*(:\d+)?", users[-1]):
        found.append(f"runs as {users[-1] if users else 'root'}")
    words = {each.word for each in last}
    found += [f"no {word}" for word in ("ENTRYPOINT", "HEALTHCHECK", "LABEL") if word not in words]
    found += [
        f"not as a list: {each.rest}" for each in last if each.word in {"ENTRYPOINT", "CMD"} and each.rest[0] != "["
    ]
    return found


def copied(text: str) -> list[str]:
    """Return what is copied from the build's folder."""
    sources = [each.rest.split() for each in instructions(text) if each.word == "COPY"]
    return [word for words in sources if not words[0].startswith("--from") for word in words[:-1]]


def _pinned(image: str) -> bool:
    """Whether an image has an exact version and no registry's host."""
    return re.fullmatch(r"[a-z-]+(/[a-z-]+)?:\d+(\.\d+){2,}(-[a-z]+)*( AS \w+)?", image) is not None
