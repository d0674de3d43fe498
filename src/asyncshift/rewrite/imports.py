"""Removes the imports that the rewrite made unused and adds those that it needs.

Runs after all edits, on the new text: what was used in the old tree and is not in the new one goes,
unless somebody may rely on it.  New imports stand in the block of their kind (stdlib, third party,
the project), in its order.  All changes are changes of whole lines.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from asyncshift.document import Document, body_of
from asyncshift.rewrite import import_lines
from asyncshift.rewrite.context import Context
from asyncshift.rewrite.facades import passed_on
from asyncshift.rewrite.names import Binding, Wanted, absolute, import_bindings
from asyncshift.rewrite.tree import Tree

Import = ast.Import | ast.ImportFrom
_WORD = re.compile(r"[^\W\d]\w*")
_STDLIB, _THIRD, _LOCAL = 1, 2, 3


def update_imports(document: Document, ctx: Context) -> None:
    """Bring the imports of an edited file in line with the names that it uses now."""
    tree = Tree(document.text)
    used = used_names(tree.module, tree.lines)
    unused = _unused(document, ctx, tree, used)
    wanted = [w for w in dict.fromkeys(ctx.names.wanted) if w.bound in used]
    if not unused and not wanted:
        return
    beside = _beside(document, tree, wanted)
    inner = {s for s in (*unused, *beside) if s not in tree.module.body}
    late: list[Wanted] = []
    for statement in sorted(inner, key=lambda s: -s.lineno):
        late += _edit_inner(
            document, tree, statement, unused.get(statement, set()), beside.get(statement, [])
        )
    top = {s: names for s, names in unused.items() if s in tree.module.body}
    placed = {w for s in inner for w in beside.get(s, ())}
    wanted = [w for w in wanted if w not in placed] + late
    if top or wanted:
        _Head(document, ctx, tree, top).update(wanted)


def _beside(document: Document, tree: Tree, wanted: Iterable[Wanted]) -> dict[Import, list[Wanted]]:
    """Which statement of the new tree takes a name that belongs beside an old one."""
    by_line = {w.beside: [o for o in wanted if o.beside == w.beside] for w in wanted if w.beside}
    found: dict[Import, list[Wanted]] = {}
    for node in ast.walk(tree.module):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            origin = document.origin(node.lineno - 1)
            if origin is not None and origin + 1 in by_line:
                found[node] = by_line[origin + 1]
    return found


# ----------------------------------------------------------------------------- what is used


def used_names(root: ast.AST, lines: Sequence[str] = ()) -> set[str]:
    """Names that a tree reads: also in quoted annotations, `__all__` and type comments."""
    found: set[str] = set()
    for node in ast.walk(root):
        match node:
            case ast.Name(id=name, ctx=ast.Load() | ast.Del()):
                found.add(name)
            case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation):
                found |= _in_strings(annotation)
            case ast.FunctionDef(returns=annotation) | ast.AsyncFunctionDef(returns=annotation):
                found |= _in_strings(annotation)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in (
                "cast",
                "TypeVar",
                "NewType",
                "ForwardRef",
            ):
                found |= _in_strings(node)
            case ast.Subscript(slice=inner):
                found |= _in_strings(inner)
            case (
                ast.Assign(targets=[ast.Name(id="__all__")])
                | ast.AugAssign(target=ast.Name(id="__all__"))
            ):
                found |= _in_strings(node.value)
    for line in lines:
        if "# type:" in line:
            found |= set(_WORD.findall(line.partition("# type:")[2]))
    return found


def _in_strings(node: ast.AST | None) -> set[str]:
    """Identifiers inside the string constants of an annotation."""
    if node is None:
        return set()
    return {
        word
        for inner in ast.walk(node)
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
        for word in _WORD.findall(inner.value)
    }


def _unused(
    document: Document, ctx: Context, tree: Tree, used: set[str]
) -> dict[Import, set[ast.alias]]:
    """The aliases that only the rewrite made unused, by statement of the new tree."""
    old_used = used_names(ctx.tree.module, ctx.tree.lines) - passed_on(ctx)
    old_imports = {
        node.lineno: node
        for node in ast.walk(ctx.tree.module)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    kept = set(filter(None, ctx.options.get("keep_imports", "").split(",")))
    left = _left_behind(ctx, used)
    found: dict[Import, set[ast.alias]] = {}
    for node in ast.walk(tree.module):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        origin = document.origin(node.lineno - 1)
        old = old_imports.get(origin + 1) if origin is not None else None
        if old is None:
            continue
        stays = _must_stay(ctx, tree, node)
        before, after = old_used, used
        function = tree.function_around(node)
        if not isinstance(function, ast.Module):
            before, after = used_names(ctx.tree.function_around(old)), used_names(function)
        for binding in import_bindings(node, ctx.file.module, ctx.file.is_package):
            name = binding.name
            if _is_bridge_path(ctx, binding):
                went = not _is_named(tree, binding.alias.name)
            elif binding.full in ctx.names.gone:
                went = name not in after
            else:
                free = name not in kept and (not stays or _is_bridge(ctx, binding))
                idle = name in before or binding.full.partition(".")[0] in left
                went = free and idle and name not in after
            if went and binding.alias.asname != binding.alias.name:
                found.setdefault(node, set()).add(binding.alias)
    return found


def _left_behind(ctx: Context, used: set[str]) -> set[str]:
    """Libraries of which nothing is used any more, a generated module standing for them: what was
    imported and never used goes, too."""
    modules = {wanted.module.rpartition(".")[2] for wanted in ctx.names.wanted}
    modules |= {wanted.attr or "" for wanted in ctx.names.wanted}
    tables = [t for t in ctx.registry.tables if t.replaces and t.module in modules]
    tops = {row.name.partition(".")[0] for table in tables for row in table.functions}
    return tops - {b.full.partition(".")[0] for b in ctx.names.bindings if b.name in used}


def _must_stay(ctx: Context, tree: Tree, node: Import) -> bool:
    """Imports that somebody may rely on though this file does not use them."""
    lines = tree.lines[node.lineno - 1 : node.end_lineno]
    if any("noqa" in line for line in lines) or import_lines.shares_lines(tree, node):
        return True
    match node:
        case ast.ImportFrom(module="__future__"):
            return True
        case ast.ImportFrom() if ctx.file.is_package and section(ctx, node) != _STDLIB:
            return True
    parent = tree.parents[node]
    if isinstance(parent, ast.If) and isinstance(tree.function_around(node), ast.Module):
        return not is_type_checking(parent)
    return not isinstance(parent, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.If))


def _is_bridge(ctx: Context, binding: Binding) -> bool:
    """A generated module's functions, which nobody else means to import from here."""
    module = binding.full.rpartition(".")[0]
    return module in ctx.names.bridges or binding.full in ctx.names.bridges


def _is_bridge_path(ctx: Context, binding: Binding) -> bool:
    """`import pkg._run_sync`, which binds `pkg`."""
    alias = binding.alias
    path = isinstance(binding.statement, ast.Import) and not alias.asname and "." in alias.name
    return path and alias.name in ctx.names.bridges


def _is_named(tree: Tree, module: str) -> bool:
    """Whether an attribute expression reaches into a module by its whole path."""
    return any(
        isinstance(node, ast.Attribute) and ast.unparse(node.value) == module
        for node in tree.parents
    )


def is_type_checking(node: ast.AST) -> bool:
    """`if TYPE_CHECKING:`"""
    match node:
        case ast.If(test=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name == "TYPE_CHECKING"
    return False


def _edit_inner(
    document: Document, tree: Tree, node: Import, gone: set[ast.alias], more: Sequence[Wanted]
) -> Sequence[Wanted]:
    """An import in a function or under TYPE_CHECKING; returns what it could not take."""
    start, end = node.lineno - 1, node.end_lineno or node.lineno
    if more or len(gone) < len(node.names):
        new = None
        if not import_lines.shares_lines(tree, node):
            new = import_lines.edited(tree, node, gone, [_alias(w) for w in more])
        if new is not None:
            document.splice(start, end, new)
        return more if new is None else ()
    parent = tree.parents[node]
    block: list[ast.stmt] = next(
        b for name in ("body", "orelse") if node in (b := getattr(parent, name, []))
    )
    if len(block) > 1:
        first = block[0] is node
        while first and end < len(document.lines) and not document.lines[end].strip():
            end += 1
        document.splice(start, end, [])
    elif isinstance(parent, ast.If) and not parent.orelse and parent in tree.module.body:
        start, end = parent.lineno - 1, parent.end_lineno or parent.lineno
        above = start
        while above and end < len(document.lines) and not document.lines[end].strip():
            above -= 1
            if document.lines[above].strip():
                break
            end += 1
        document.splice(start, end, [])
    else:
        indent = tree.lines[start][: node.col_offset]
        document.splice(start, end, [f"{indent}pass"])
    return ()


# ----------------------------------------------------------------------------- where imports stand


def section(ctx: Context, node: Import | str) -> int:
    """Which block an import belongs to: standard library, third party or the project."""
    match node:
        case str() as module:
            pass
        case ast.Import(names=[alias, *_]):
            module = alias.name
        case ast.ImportFrom(level=0, module=str(module)):
            pass
        case _:
            return _LOCAL
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return _STDLIB
    own = {ctx.file.module.partition(".")[0], *ctx.options.get("first_party", "").split(",")}
    own |= {helper.partition(".")[0] for helper in ctx.names.helpers.values()}
    return _LOCAL if top in own or module == ctx.bridge else _THIRD


@dataclass(frozen=True, slots=True)
class _Entry:
    """One import statement at module level: its lines (from 0, end exclusive) and its order."""

    start: int
    end: int
    section: int
    is_from: bool
    module: str
    gone: bool


class _Head:
    """The import statements at the top of a module, and how they change together."""

    def __init__(
        self, document: Document, ctx: Context, tree: Tree, unused: dict[Import, set[ast.alias]]
    ) -> None:
        self._document, self._ctx, self._tree, self._unused = document, ctx, tree, unused
        self._replaced: dict[int, tuple[int, list[str]]] = {}
        self._inserted: dict[int, list[str]] = {}
        self._blocks_before: dict[int, dict[int, list[str]]] = {}
        self._blocks_after: dict[int, dict[int, list[str]]] = {}
        self._gone: set[int] = set()
        self._in_place: dict[int, int] = {}
        """Ends of blocks that go, with their starts: what stands after takes their place."""

    def update(self, wanted: Sequence[Wanted]) -> None:
        """Add what is wanted, remove what is unused, and write the lines."""
        rest = self._into_statements(wanted)
        for statement, gone in self._unused.items():
            if len(gone) == len(statement.names) and statement.lineno - 1 not in self._replaced:
                self._gone.update(range(statement.lineno - 1, statement.end_lineno or 0))
        entries = self._entries()
        by_statement: dict[tuple[bool, str, str], list[Wanted]] = {}
        for want in sorted(rest, key=lambda w: w.attr or ""):
            key = (want.attr is not None, want.module, "" if want.attr else want.bound)
            by_statement.setdefault(key, []).append(want)
        statements = [by_statement[key] for key in sorted(by_statement)]
        if entries:
            for wants in statements:
                self._insert(wants, _blocks(entries, self._document.lines))
            self._add_blocks(_mixed(_blocks(entries, self._document.lines)))
        elif statements:
            by_kind: dict[int, list[str]] = {}
            for wants in statements:
                kind = section(self._ctx, wants[0].module)
                by_kind.setdefault(kind, []).append(self._written(wants)[0])
            self._insert_first(_apart(by_kind))
        self._write()

    def _into_statements(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        """Names that an existing `from` import of their module takes; returns the others."""
        rest = list(wanted)
        for statement in self._statements():
            more: list[Wanted] = []
            if isinstance(statement, ast.ImportFrom):
                module = absolute(statement, self._ctx.file.module, self._ctx.file.is_package)
                more = [w for w in rest if w.attr and w.module == module]
            gone = self._unused.get(statement, set())
            if not more and (not gone or len(gone) == len(statement.names)):
                continue
            new = import_lines.edited(self._tree, statement, gone, [_alias(w) for w in more])
            if new is not None:
                end = statement.end_lineno or statement.lineno
                self._replaced[statement.lineno - 1] = (end, new)
                rest = [w for w in rest if w not in more]
        return rest

    def _statements(self) -> Iterator[Import]:
        """The module's own imports above its first function or class."""
        for node in self._tree.module.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                return
            if not isinstance(node, (ast.Import, ast.ImportFrom)):
                continue
            if not import_lines.shares_lines(self._tree, node):
                yield node

    def _entries(self) -> list[_Entry]:
        found = []
        for node in self._statements():
            match node:
                case ast.ImportFrom(module="__future__"):
                    continue
                case ast.ImportFrom(level=level, module=module):
                    name = "." * level + (module or "")
                case ast.Import(names=names):
                    gone = self._unused.get(node, set())
                    name = next((a.name for a in names if a not in gone), names[0].name)
            start, end = node.lineno - 1, node.end_lineno or node.lineno
            is_from = isinstance(node, ast.ImportFrom)
            kind = section(self._ctx, node)
            found.append(_Entry(start, end, kind, is_from, name, start in self._gone))
        return found

    def _insert(self, wants: Sequence[Wanted], blocks: Sequence[Sequence[_Entry]]) -> None:
        """Into the block of its kind, or into a new block between those of other kinds."""
        want = wants[0]
        text, module = self._written(wants)
        kind = section(self._ctx, want.module)
        alike = [b for b in blocks if any(e.section == kind for e in b)]
        if alike:
            dotted = module.startswith(".")
            named = (b for b in alike if any(e.module.startswith(".") == dotted for e in b))
            block = next(named, alike[0]) if kind == _LOCAL else alike[0]
            mine = [e for e in block if e.section == kind]
            self._inserted.setdefault(_place(mine, want.attr is not None, module), []).append(text)
            return
        later = next((b for b in blocks if b[0].section > kind), None)
        if later is not None:
            new = self._blocks_before.setdefault(later[0].start, {})
        else:
            new = self._blocks_after.setdefault(blocks[-1][-1].end, {})
            if all(entry.gone for entry in blocks[-1]):
                self._in_place[blocks[-1][-1].end] = blocks[-1][0].start
        new.setdefault(kind, []).append(text)

    def _add_blocks(self, mixed: bool) -> None:
        """The new blocks around what is inserted beside them, set apart where the others are."""
        gap = [] if mixed else [""]
        for at, by_kind in self._blocks_before.items():
            lines = [line for kind in sorted(by_kind) for line in (*by_kind[kind], *gap)]
            self._inserted[at] = [*lines, *self._inserted.get(at, [])]
        for at, by_kind in self._blocks_after.items():
            lines = [line for kind in sorted(by_kind) for line in (*gap, *by_kind[kind])]
            start = self._in_place.get(at)
            if start is not None and not any(start <= place <= at for place in self._inserted):
                lines = lines[len(gap) :]
            self._inserted[at] = [*self._inserted.get(at, []), *lines]

    def _written(self, wants: Sequence[Wanted]) -> tuple[str, str]:
        """The statement's text, and the module as it names it."""
        want = wants[0]
        if want.attr is None:
            tail = f" as {want.alias}" if want.alias else ""
            return f"import {want.module}{tail}", want.module
        module = self._relative(want.module)
        return f"from {module} import {', '.join(map(_alias, wants))}", module

    def _relative(self, module: str) -> str:
        """The project's own modules are named as the file mostly names others of them, but not
        with more dots than it uses where it also has absolute names."""
        file = self._ctx.file
        own = file.module.split(".")
        package = own if file.is_package else own[:-1]
        parts = module.split(".")
        if not package or parts[0] != package[0]:
            return module
        levels, absolute_names = self._own_imports(package[0])
        common = 0
        last = len(parts) - (parts != package[: len(parts)])  # `from . import module`
        while common < min(len(package), last) and package[common] == parts[common]:
            common += 1
        level = len(package) - common + 1
        if absolute_names and (len(levels) < absolute_names or level > max(levels)):
            return module
        return "." * level + ".".join(parts[common:]) if levels else module

    def _own_imports(self, top: str) -> tuple[list[int], int]:
        """The levels of the relative imports, and how many absolute ones name the project."""
        levels: list[int] = []
        count = 0
        for node in ast.walk(self._tree.module):
            match node:
                case ast.ImportFrom(level=level) if level:
                    levels.append(level)
                case ast.ImportFrom(module=str(name)):
                    count += name.partition(".")[0] == top
                case ast.Import(names=names):
                    count += any(alias.name.partition(".")[0] == top for alias in names)
        return levels, count

    def _insert_first(self, texts: list[str]) -> None:
        """The file's first imports: below docstring, `__future__` and the comments at the top."""
        body = self._tree.module.body
        rest = list(body)
        last: ast.stmt | None = None
        while rest and (_is_docstring(rest[0], body) or _is_future(rest[0])):
            last = rest.pop(0)
        if last is not None:
            at = last.end_lineno or last.lineno
            self._inserted[at] = ["", *texts]
            return
        at = rest[0].lineno - 1 if rest else 0
        at = min(
            [at, *(d.lineno - 1 for d in getattr(rest[0] if rest else None, "decorator_list", ()))]
        )
        top = at
        while top and self._document.lines[top - 1].lstrip().startswith("#"):
            top -= 1
        at = at if top == 0 else top
        named = bool(rest) and isinstance(
            rest[0], (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        )
        self._inserted[at] = [*texts, "", ""] if named else [*texts, ""]

    def _write(self) -> None:
        """All changes as one splice; unchanged lines in between stay what they are."""
        touched = [*self._gone, *self._inserted, *self._replaced]
        if not touched:
            return
        low = min(touched)
        high = (
            max([*(t + 1 for t in self._gone), *self._inserted])
            if self._gone or self._inserted
            else 0
        )
        high = max([high, *(end for end, _ in self._replaced.values())])
        lines = self._document.lines
        while low and not lines[low - 1].strip():
            low -= 1
        while high < len(lines) and not lines[high].strip():
            high += 1
        out: list[str] = []
        index = low
        while index <= high:
            inserted = self._inserted.get(index, [])
            out += inserted
            if index == high:
                break
            if index in self._replaced:
                index, new = self._replaced[index]
                out += new
            elif index in self._gone:
                start = end = index
                while end in self._gone and (end == index or end not in self._inserted):
                    end += 1
                index = end
                if not inserted and not self._inserted.get(end):
                    index += self._spare_blanks(out, low, start, end, high)
            else:
                out.append(body_of(lines[index]))
                index += 1
        self._document.splice(low, high, out)

    def _spare_blanks(self, out: list[str], low: int, start: int, end: int, high: int) -> int:
        """How many blank lines after a removed import were there to set it apart; those before it
        where it stood directly above other code are taken out of `out`."""
        lines = self._document.lines
        after = 0
        while end + after < high and not lines[end + after].strip():
            after += 1
        shown = [*(body_of(line) for line in lines[:low]), *out]
        before = 0
        while before < len(shown) and not shown[-1 - before].strip():
            before += 1
        if before == len(shown):
            return after
        if self._is_ours(start, end) and all(row.strip()[:1] in ("", "#") for row in shown):
            return after  # the first import was set apart by as many
        if not after and not "".join(lines[end : end + 1]).startswith(("import ", "from ")):
            del out[len(out) - min(before, len(out)) :]
        return min(before, after)

    def _is_ours(self, start: int, end: int) -> bool:
        """Whether some lines only import what an earlier step may have put in."""
        ours = {"asyncio", *self._ctx.names.bridges}
        bindings = [
            binding
            for statement in self._unused
            if start <= statement.lineno - 1 < end
            for binding in import_bindings(
                statement, self._ctx.file.module, self._ctx.file.is_package
            )
        ]
        return all({b.full, b.full.rpartition(".")[0]} & ours for b in bindings)


def _alias(want: Wanted) -> str:
    return f"{want.attr} as {want.alias}" if want.alias else str(want.attr)


def _blocks(entries: Iterable[_Entry], lines: Sequence[str]) -> list[list[_Entry]]:
    """Imports with no blank line between them."""
    found: list[list[_Entry]] = []
    for entry in entries:
        if found:
            between = lines[found[-1][-1].end : entry.start]
            if all(line.strip().startswith("#") for line in between):
                found[-1].append(entry)
                continue
        found.append([entry])
    return found


def _mixed(blocks: Iterable[Sequence[_Entry]]) -> bool:
    """True when the file does not set imports of different kinds apart."""
    return any(len({entry.section for entry in block}) > 1 for block in blocks)


def _apart(by_kind: Mapping[int, list[str]]) -> list[str]:
    """The lines of each kind, with a blank line between the kinds."""
    lines = [line for kind in sorted(by_kind) for line in ("", *by_kind[kind])]
    return lines[1:]


def _place(entries: Sequence[_Entry], is_from: bool, module: str) -> int:
    """The line before which an import goes, in the order that the others have."""
    for key in (_by_form, _by_module):
        keys = [key(e.is_from, e.module) for e in entries]
        if keys == sorted(keys):
            new = key(is_from, module)
            return next(
                (e.start for e, k in zip(entries, keys, strict=True) if k > new), entries[-1].end
            )
    gone = next((e for e in entries if e.gone and e.is_from == is_from), None)
    if gone is not None:
        return gone.start
    alike = [e for e in entries if e.is_from == is_from]
    return alike[-1].end if alike else entries[-1].end


def _by_form(is_from: bool, module: str) -> tuple[object, ...]:
    return (is_from, *_by_module(is_from, module))


def _by_module(is_from: bool, module: str) -> tuple[object, ...]:
    dots = len(module) - len(module.lstrip("."))
    return (-dots, module.lstrip(".").casefold())


def _is_docstring(node: ast.stmt, body: Sequence[ast.stmt]) -> bool:
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return node is body[0]
    return False


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
