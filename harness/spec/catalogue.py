"""What can be named, one line each."""

from __future__ import annotations

from pathlib import Path

from harness import option_types, protocols, registry
from harness.errors import UserError
from harness.spec import shipped


def lines(kind: str, *, options: bool = False) -> list[str]:
    """One line for each name of a kind: name, version, what it is.

    Args:
        kind: one of `harness.registry.KINDS`, or ``specs``.
        options: add a line for each option, with its default and what it may be; of a protocol or a process of
            occlusion its source.
    """
    if kind == "specs":
        rows = [(name, "", _summary(path)) for name, path in shipped.names().items()]
        width = max((len(name) for name, _, _ in rows), default=0)
        return [f"{name:<{width}}  {summary}" for name, _, summary in rows]
    found = []
    names = [*registry.entries(kind), *sorted(registry.names(kind) - registry.entries(kind).keys())]
    width = max(len(name) for name in names)
    for name in names:
        try:
            entry = registry.get(kind, name)
        except UserError as error:  # of an installed package; the others are shown all the same
            found.append(f"{name:<{width}}  can't be used: {error.message}")
            continue
        found.append(f"{name:<{width}}  v{entry.version}  {entry.summary}")
        if options and kind == "protocols":
            found.append(f"    source: {protocols.of(name).source}")
        elif options and kind == "processes":
            found.append(f"    source: {registry.constant(entry, 'SOURCE', 'not stated')}")
        if options and kind not in ("metrics", "protocols"):
            for option, item in registry.options(entry).items():
                value = entry.preset.get(option, item.default)
                found.append(f"    {option}: {option_types.told(item.annotation, item.required, value)}")
    return found


def _summary(path: Path) -> str:
    """The first sentence of a spec's opening comment."""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.removeprefix("#").strip()
        if line.startswith("#") and text and not text.startswith("yaml-language-server"):
            return text
    return ""
