"""Tiny graphs from inline sources; `python graphs.py TREE` prints the graph of a tree."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from asyncshift.callgraph import build
from asyncshift.codemod import Kind, Outcome, Resolved, Treatment
from asyncshift.facts import FileFacts, extract
from asyncshift.model import Graph, Protocol, Site, SourceFile

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
_CLASSES = {
    "requests.Session", "requests.Response", "requests.HTTPError", "requests.ConnectionError",
    "requests.RequestException", "requests.Timeout",
}  # fmt: skip
_RETURNS = {
    **{f"requests.{verb}": "requests.Response" for verb in _VERBS},
    **{f"requests.Session.{verb}": "requests.Response" for verb in _VERBS},
    "requests.Session.cookies": "requests.cookies.RequestsCookieJar",
    "requests.HTTPError.response": "requests.Response",
}
_METHODS = {"json", "iter_content", "raise_for_status", "close", *_VERBS}


@dataclass(frozen=True)
class TinyRegistry:
    """A few names of requests, and time.sleep."""

    tops: frozenset[str] = frozenset({"requests", "time"})
    digest: str = "tiny"
    standing: frozenset[str] = frozenset()
    turning: frozenset[str] = frozenset()
    computed: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(
        default_factory=lambda: {
            "requests.sessions.Session": "requests.Session",
            "requests.exceptions.HTTPError": "requests.HTTPError",
        }
    )

    def canonical(self, name: str) -> str:
        for alias, full in self.aliases.items():
            if name == alias or name.startswith(alias + "."):
                return full + name[len(alias) :]
        return name

    def is_class(self, name: str) -> bool:
        return name in _CLASSES

    def is_named(self, name: str) -> bool:
        return self.is_api(name) or self.is_api(name.rpartition(".")[0])

    def stored(self, api: str, origin: int) -> tuple[str, tuple[None, str, int]]:
        return "attribute", (None, api, origin)

    def called_as(self, api: str, positional: int, keywords: object) -> str:
        return api

    def owner(self, api: str) -> str:
        return ""

    def is_api(self, name: str) -> bool:
        return name in _CLASSES or name in _RETURNS or name == "time.sleep"

    def returns(self, api: str) -> str | None:
        return _RETURNS.get(api, api if api in _CLASSES else None)

    def treatment(self, api: str, protocol: Protocol) -> Treatment | None:
        is_method = api.count(".") == 2 and api.rpartition(".")[2] in _METHODS
        if protocol is Protocol.CALL and is_method:
            return Treatment(Kind.AWAITABLE, "tiny")
        return None

    def rewrite(self, resolved: Resolved) -> Sequence[Outcome]:
        return ()


def source(text: str, module: str = "mod", path: str | None = None) -> SourceFile:
    """A file in memory; `pkg` in the name of the path makes it a package's `__init__`."""
    path = path or module.replace(".", "/") + ".py"
    is_package = path.endswith("__init__.py")
    return SourceFile(path, module, is_package, dedent(text), "utf-8", False, "")


def facts(text: str, module: str = "mod") -> FileFacts:
    """The facts of one inline file."""
    return extract(source(text, module))


def graph(*texts: str, **modules: str) -> Graph:
    """The graph of inline files: a positional one is `mod`, keywords name theirs (`a__b`)."""
    files = [source(text) for text in texts]
    for name, text in modules.items():
        module = name.replace("__", ".")
        path = None
        if any(other.startswith(name + "__") for other in modules):
            path = module.replace(".", "/") + "/__init__.py"
        files.append(source(text, module, path))
    return build([extract(file) for file in files], TinyRegistry())


def names(found: Graph, site: Site) -> list[str]:
    """What a site reaches: qualified names of functions, canonical names of the library."""
    return [
        found.functions[t.function].name if t.function is not None else str(t.api)
        for t in site.targets
    ]


def edges(found: Graph, protocol: str | None = None) -> set[str]:
    """`caller -> target` of every site that is not found by name only."""
    return {
        f"{found.functions[site.caller].name} -> {name}"
        for site in found.sites
        if site.certainty != "unknown" and (protocol is None or site.protocol == protocol)
        for name in names(found, site)
    }


def lines(found: Graph, *protocols: str) -> set[str]:
    """`line protocol text -> targets` of the sites of some protocols (all by default)."""
    return {
        f"{site.span[0]} {site.protocol} {site.text} -> {', '.join(names(found, site))}"
        for site in found.sites
        if not protocols or site.protocol in protocols
    }


def site(found: Graph, text: str, protocol: str = "call") -> Site:
    """The one site with a label and a protocol."""
    (only,) = [s for s in found.sites if s.text == text and s.protocol == protocol]
    return only


def read_tree(root: Path) -> list[SourceFile]:
    """Every readable Python file below a folder."""
    files = []
    for path in sorted(root.rglob("*.py")):
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
        relative = path.relative_to(root)
        parts = relative.with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        files.append(SourceFile(relative.as_posix(), module, is_package, text, "utf-8", False, ""))
    return files


def main(root: str, show: str = "") -> None:
    """Print the graph of a tree: sites whose text or path holds `show`."""
    gc.disable()
    files = read_tree(Path(root))
    found_facts = []
    start = time.process_time()
    for file in files:
        try:
            found_facts.append(extract(file))
        except SyntaxError as error:
            print("unparsable", file.path, error, file=sys.stderr)
    middle = time.process_time()
    found = build(found_facts, TinyRegistry())
    end = time.process_time()
    for one in found.sites:
        if show in one.path + one.text:
            targets = ", ".join(names(found, one))
            flags = "".join(c for c, on in (("a", one.awaited), ("m", one.in_main_guard)) if on)
            origins = sorted({o for t in one.targets for o in t.origins})
            print(
                f"{one.path}:{one.span[0]}:{one.span[1]} [{one.protocol} {one.consumer}{flags}] "
                f"{one.text} -> {targets} ({one.certainty}) kw={one.keywords} {origins or ''}"
            )
    for escape in found.escapes:
        print("escape", escape)
    for message in found.messages:
        print(message)
    print(f"extract {middle - start:.2f}s, build {end - middle:.2f}s", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
