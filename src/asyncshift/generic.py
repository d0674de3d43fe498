"""Rewriting by the table alone: renamed, awaited, entered, iterated, re-typed.

A codemod whose rows say everything needs no code; one with rewriters falls back to these.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import libcst as cst

from asyncshift import toolbox as tb
from asyncshift.codemod import Edit, Kind, Outcome, Registry, Resolved
from asyncshift.exception_places import TESTS, Place, place_of
from asyncshift.exit_stacks import enter_on_stack
from asyncshift.model import Protocol, Severity


def rewrite(resolved: Resolved, registry: Registry) -> Iterable[Outcome]:
    """What the row says; nothing where the row says nothing."""
    treatment = registry.treatment(resolved.api, resolved.site.protocol)
    if treatment is None:
        return ()
    match resolved.site.protocol, treatment.kind:
        case ((Protocol.VALUE | Protocol.ATTRIBUTE), Kind.PLAIN) if treatment.renamed:
            if not isinstance(resolved.node, ast.expr) or _names_it(resolved, resolved.node):
                return _new_name(resolved, registry)
            return ()  # a variable holds it
        case Protocol.CALL, Kind.AWAITABLE if resolved.api.endswith("="):
            return _setter(resolved, registry)
        case Protocol.CALL, Kind.AWAITABLE | Kind.PLAIN | Kind.ENTERED | Kind.ITERATED:
            return _call(resolved, registry, treatment.kind)
        case Protocol.ATTRIBUTE, Kind.PLAIN | Kind.ITERATED:
            return _attribute(resolved, registry, treatment.kind)
        case Protocol.WITH, Kind.ENTERED | Kind.EXCLUSIVE:
            return enter(resolved)
        case Protocol.CONSUME, Kind.ENTERED:
            return _closing(resolved)
        case Protocol.FOR | Protocol.COMPREHENSION, Kind.ITERATED:
            return iterate(resolved)
        case Protocol.EXCEPT, _:
            return except_class(resolved, registry)
        case Protocol.VALUE, Kind.PLAIN if registry.exception(resolved.api) is not None:
            return exception_value(resolved, registry)
        case Protocol.ANNOTATION | Protocol.BASE, Kind.PLAIN:
            return _new_name(resolved, registry)
        case ((Protocol.VALUE | Protocol.ATTRIBUTE | Protocol.OPERATOR), _):
            return _value(resolved, registry)
    return ()


# ----------------------------------------------------------------------------- calls


def _call(resolved: Resolved, registry: Registry, kind: Kind) -> Iterator[Outcome]:
    node = resolved.node
    if not isinstance(node, ast.Call):
        yield tb.refuse(
            resolved,
            "no-call",
            f"{resolved.api} is reached without a call of its own",
            "call it directly",
        )
        return
    name = registry.canonical(resolved.api)
    is_member = registry.is_class(name.rpartition(".")[0])
    if not is_member and not _called_by_name(resolved, node.func):
        yield _through_variable(resolved)
        return
    if resolved.way == "later":
        yield from _later(resolved, node, registry.later(name))
        return
    for new in registry.targets(name)[:1]:
        if is_member:
            yield tb.edit(resolved, node, tb.rename_member(new))
        elif _names_it(resolved, node.func):
            if (row := registry.class_row(name)) is not None and row.made_by:
                new = f"{new}.{row.made_by}"
            text = resolved.names.dotted(new, resolved.site.span)
            yield tb.edit(resolved, node, tb.retarget_call(text))
    match kind:
        case Kind.AWAITABLE:
            yield tb.edit(resolved, node, tb.awaited, order=tb.AWAIT_ORDER)
        case Kind.ENTERED:
            yield from enter(resolved)
        case Kind.ITERATED:
            yield from iterate(resolved)


def _later(resolved: Resolved, node: ast.Call, new: str) -> Iterator[Outcome]:
    """What can wait when it is used, where nothing can be awaited: its errors come then, too."""
    for child, parent in tb.chain(resolved):
        match parent:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                break
            case ast.Try(body=body, handlers=[_, *_]) if child in body:
                yield tb.refuse(
                    resolved,
                    "fails-later",
                    f"`{resolved.site.text}` fails here, where its errors are handled; it could be "
                    "awaited in a coroutine only, and elsewhere would fail when it is used",
                    "move it into a function that can turn async",
                )
                return
    text = resolved.names.dotted(new, resolved.site.span)
    yield tb.edit(resolved, node, tb.retarget_call(text))
    text = f"`{resolved.site.text}` connects when it is first used: nothing can be awaited here"
    yield tb.note(resolved, "later", text)


def _setter(resolved: Resolved, registry: Registry) -> Iterator[Outcome]:
    """`conn.autocommit = True` as `await conn.set_autocommit(True)`."""
    match resolved.node, resolved.parents[0]:
        case ast.Attribute(), ast.Assign(targets=[_]) as statement:
            [method] = registry.targets(resolved.api)
            yield tb.edit(resolved, statement, partial(_awaited_setter, method))
        case _:
            yield tb.refuse(
                resolved,
                "set-beside-others",
                f"`{resolved.site.text}` is set together with something else",
                "set it in an assignment of its own",
            )


def _awaited_setter(method: str, line: Any) -> Any:
    target = line.body[0].targets[0].target
    call = cst.Call(tb.member(target.value, method), [cst.Arg(line.body[0].value)])
    return line.with_changes(body=[cst.Expr(cst.Await(call)), *line.body[1:]])


def _through_variable(resolved: Resolved) -> Outcome:
    return tb.refuse(
        resolved,
        "through-a-variable",
        f"{resolved.api} is called through `{resolved.site.text}`, which may hold something else",
        f"call {resolved.api} by its name",
    )


def _called_by_name(resolved: Resolved, func: ast.expr) -> bool:
    """Whether the call names the API, or a variable of its function that holds nothing else."""
    if tb.mentions_import(resolved, func):
        return True
    if not isinstance(func, ast.Name):
        return False
    function = tb.function_of(resolved.parents)
    if function is not None and _stores(function, func.id):
        return _is_callback(resolved.api, function, func.id) or only_called(function, func.id)
    return func.id == resolved.api.rpartition(".")[2]


def _names_it(resolved: Resolved, func: ast.expr) -> bool:
    """Whether the call is written with the name of the API: imported, by a star import too, or
    defined in the same file."""
    if tb.mentions_import(resolved, func):
        return True
    function = tb.function_of(resolved.parents)
    return (
        isinstance(func, ast.Name)
        and func.id == resolved.api.rpartition(".")[2]
        and not (function is not None and _stores(function, func.id))
    )


def _is_callback(api: str, function: tb.Function, name: str) -> bool:
    """A parameter that the table itself names, and that holds nothing else."""
    if not isinstance(function, ast.FunctionDef) or _assigns(function, name):
        return False
    return api.endswith(f".{function.name}.{name}")


def _stores(function: tb.Function, name: str) -> bool:
    if any(arg.arg == name for arg in ast.walk(function.args) if isinstance(arg, ast.arg)):
        return True
    return _assigns(function, name)


def _assigns(function: tb.Function, name: str) -> bool:
    return any(not isinstance(n.ctx, ast.Load) for n in _names(function, name))


def _names(function: ast.AST, name: str) -> list[ast.Name]:
    return [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == name]


def only_called(function: tb.Function, name: str) -> bool:
    """Whether a local is assigned an imported function once and then only called, in the
    function's own frame, so that mention and calls turn together."""
    if any(arg.arg == name for arg in ast.walk(function.args) if isinstance(arg, ast.arg)):
        return False
    called = {id(n.func) for n in ast.walk(function) if isinstance(n, ast.Call)}
    nested = {
        id(n)
        for inner in ast.walk(function)
        if inner is not function and isinstance(inner, (*tb.FRAMES, ast.ClassDef, ast.GeneratorExp))
        for n in ast.walk(inner)
    }
    found = _names(function, name)
    stores = [n for n in found if not isinstance(n.ctx, ast.Load)]
    loads = [n for n in found if isinstance(n.ctx, ast.Load)]
    outer = any(
        isinstance(n, (ast.Global, ast.Nonlocal)) and name in n.names for n in ast.walk(function)
    )
    return (
        not outer
        and len(stores) == 1
        and bool(loads)
        and all(id(n) in called for n in loads)
        and not any(id(n) in nested for n in found)
    )


# ----------------------------------------------------------------------------- with, for


def enter(resolved: Resolved) -> Iterator[Outcome]:
    """`async with` for the item whose context expression is the site."""
    match resolved.parents:
        case (ast.withitem() as item, ast.With() as statement, *_):
            index = statement.items.index(item)
            change = partial(tb.enter_item, index, len(statement.items))
            yield tb.edit(resolved, statement, change, order=tb.ITEM_ORDER - index)
        case (ast.withitem(), ast.AsyncWith(), *_):
            return
        case _ if resolved.site.consumer:
            yield from enter_on_stack(resolved)
        case _:
            yield tb.refuse(
                resolved,
                "not-a-with-item",
                f"{resolved.site.text} must be entered with `async with` where it is made",
                "enter it in a `with` statement of its own",
            )


def _closing(resolved: Resolved) -> Iterator[Outcome]:
    """`with closing(client) as c:` as `async with aclosing(client) as c:`."""
    match resolved.node, resolved.parents:
        case ast.Call(args=[_], keywords=[]), (ast.withitem(), *_) if tb.runs_on(resolved, (3, 10)):
            text = resolved.names.dotted("contextlib.aclosing", resolved.site.span)
            yield tb.edit(resolved, resolved.node, tb.retarget_call(text))
            yield from enter(resolved)
        case _:
            yield tb.refuse(
                resolved,
                "closing",
                "it is closed by `async with contextlib.aclosing(...)`, which needs Python 3.10 "
                "and a `with` statement of its own",
                "write it as a `with` statement, or close it in a `finally` block",
            )


def iterate(resolved: Resolved) -> Iterator[Outcome]:
    """`async for` for the loop or clause that iterates over the site."""
    match resolved.parents:
        case (ast.For(iter=iterable) as statement, *_) if iterable is resolved.node:
            yield tb.edit(resolved, statement, tb.make_async)
        case (ast.AsyncFor(), *_):
            return
        case (
            ast.comprehension(iter=iterable) as clause,
            ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp(),
            *_,
        ) if iterable is resolved.node:
            if not clause.is_async:
                yield tb.comprehension_edit(resolved, clause, tb.make_async)
        case _:
            yield tb.refuse(
                resolved,
                "not-a-loop",
                f"{resolved.site.text} can only be iterated with `async for`",
                "iterate over it in a `for` statement",
            )


# ----------------------------------------------------------------------------- names


def _attribute(resolved: Resolved, registry: Registry, kind: Kind) -> Iterator[Outcome]:
    for new in registry.targets(resolved.api)[:1]:
        yield tb.edit(resolved, resolved.node, tb.rename_member(new))
    if (value := registry.constant(resolved.api)) is not None:
        yield tb.edit(resolved, resolved.node, tb.retarget(repr(value)))
    if kind is Kind.ITERATED:
        yield from iterate(resolved)


def _new_name(resolved: Resolved, registry: Registry) -> Iterator[Outcome]:
    for new in registry.targets(resolved.api)[:1]:
        match resolved.node:
            case ast.Constant(value=str(quoted)):
                old = _named_in(resolved, registry, quoted)
                at = tb.span(resolved, resolved.node)
                if not old or at[0] != at[2] or at[3] - at[1] != len(quoted) + 2:
                    yield tb.refuse(
                        resolved,
                        "quoted-annotation",
                        f"{resolved.api} is named inside a quoted annotation",
                        "take the annotation out of its quotes",
                    )
                    continue
                text = resolved.names.dotted(new, resolved.site.span)
                yield Edit("SimpleString", at, partial(_in_quotes, old, text))
            case _ if is_named(resolved, registry):
                text = resolved.names.dotted(new, resolved.site.span)
                yield tb.edit(resolved, resolved.node, tb.retarget(text))


def is_named(resolved: Resolved, registry: Registry) -> bool:
    """Whether the site is written with the name of the API, and no variable that holds it."""
    return _names_api(resolved, registry, resolved.node, registry.canonical(resolved.api))


def _names_api(resolved: Resolved, registry: Registry, node: ast.AST, api: str) -> bool:
    owner, _, last = api.rpartition(".")
    match node:
        case ast.Attribute(value=inner, attr=attr) if attr == last and last.startswith("__"):
            return _names_api(resolved, registry, inner, owner)
    full = tb.qualified(resolved, node)
    own = ("", *resolved.options.get("first_party", "").split(","))
    if full and full.partition(".")[0] not in own:
        return True
    text = tb.dotted_text(node)
    return bool(text) and f".{api}".endswith(f".{text}")


_WORD = re.compile(r"[A-Za-z_][\w.]*")


def _named_in(resolved: Resolved, registry: Registry, quoted: str) -> str:
    """The name of the API as it is written inside a quoted annotation."""
    imported = tb.imported_names(tb.module_of(resolved))
    for word in _WORD.findall(quoted):
        head, dot, tail = word.partition(".")
        if registry.canonical(f"{imported.get(head, '')}{dot}{tail}") == registry.canonical(
            resolved.api
        ):
            return str(word)
    return ""


def _in_quotes(old: str, new: str, node: Any) -> Any:
    value = re.sub(rf"(?<![\w.]){re.escape(old)}(?![\w.])", new, node.value)
    return node.with_changes(value=value)


def _value(resolved: Resolved, registry: Registry) -> Iterator[Outcome]:
    if (value := registry.constant(resolved.api)) is not None:
        yield tb.edit(resolved, resolved.node, tb.retarget(repr(value)))
        return
    name = registry.canonical(resolved.api)
    if registry.is_class(name) and resolved.site.protocol is Protocol.VALUE:
        yield from _class_value(resolved, registry)
        return
    if _is_constants_holder(name, registry):
        yield from _constant_by_key(resolved, registry, name)
        return
    match resolved.parents:
        case (ast.Assign(targets=[ast.Name(id=local)]), *_):
            function = tb.function_of(resolved.parents)
            if function is not None and only_called(function, local):
                yield from _new_name(resolved, registry)
                return
    yield tb.refuse(
        resolved,
        "handed-on",
        f"{resolved.api} is handed on as a value, and whoever calls it would have to await it",
        f"call {resolved.api} here, or hand on a function that calls it",
    )


def _class_value(resolved: Resolved, registry: Registry) -> Iterator[Outcome]:
    """A class outside a call or an annotation: tested with isinstance, or named for a cast."""
    new = registry.targets(resolved.api)[:1]
    group = resolved.parents[0] if isinstance(resolved.parents[0], ast.Tuple) else None
    match resolved.parents[1 if group else 0]:
        case ast.Call(func=func, args=[_, kinds]) if new and dotted(func) in TESTS:
            if kinds is (group or resolved.node):
                yield from _tested_class(resolved, new[0], group)
                return
        case ast.Call(func=func, args=[first, _]) if new and dotted(func) in (
            "cast",
            "typing.cast",
        ):
            if first is resolved.node:
                yield from _new_name(resolved, registry)
                return
        case ast.Subscript(value=alias) if new and dotted(alias).rpartition(".")[2] in _ALIASES:
            if resolved.way != "both":
                yield from _new_name(resolved, registry)
            return
    yield tb.refuse(
        resolved,
        "class-as-value",
        f"{resolved.api} is handed on as a value",
        f"name {' or '.join(new) or 'another class'} there by hand",
    )


def dotted(node: ast.AST) -> str:
    return tb.dotted_text(node)


_ALIASES = frozenset({"Union", "Optional", "List", "Sequence", "Type", "Tuple", "Dict"})
"""What stands before a type: `Reply = Union[Response, str]`."""


def _tested_class(resolved: Resolved, new: str, group: ast.Tuple | None) -> Iterator[Outcome]:
    """The new class, or both where code that stays with the old library reaches this test as
    well.  One that stands there already is not named twice."""
    both = resolved.way == "both"
    if both and new in _named(resolved, group.elts if group else ()):
        return
    text = resolved.names.dotted(new, resolved.site.span)
    change = partial(_classes, (text,), both)
    yield tb.edit(resolved, resolved.node, change, order=20, built=both)
    if group is not None:
        yield tb.edit(resolved, group, flatten_tuple, order=20, built=True)


def _named(resolved: Resolved, nodes: Iterable[ast.expr]) -> set[str]:
    """The full names of some classes; builtins by their bare name."""
    return {tb.qualified(resolved, node) or tb.dotted_text(node) for node in nodes}


def _is_constants_holder(name: str, registry: Registry) -> bool:
    return any(key.rpartition(".")[0] == name for t in registry.tables for key in t.constants)


def _constant_by_key(resolved: Resolved, registry: Registry, name: str) -> Iterator[Outcome]:
    """`codes["ok"]`: the site is the subscript, or the value it subscripts."""
    for node in (resolved.node, *resolved.parents[:1]):
        match node:
            case ast.Subscript(slice=ast.Constant(value=str(key))):
                if (value := registry.constant(f"{name}.{key}")) is not None:
                    yield tb.edit(resolved, node, tb.retarget(repr(value)))
                    return
    yield tb.note(
        resolved,
        "constants-kept",
        f"{resolved.site.text} is looked up by a name that is not known here and stays",
    )


# ----------------------------------------------------------------------------- exceptions


SUPPRESS = "contextlib.suppress"
"""Takes its classes as arguments; `pytest.raises` and `except` take one class or one tuple."""


def except_class(
    resolved: Resolved, registry: Registry, extra: Sequence[str] = ()
) -> Iterator[Outcome]:
    """The new classes in the place of an old one; `extra` are more classes this clause needs."""
    row = registry.exception(resolved.api)
    if row is None or not is_named(resolved, registry):
        return
    siblings = _siblings(resolved)
    bases = {registry.canonical(base) for base in row.bases}
    covered = bases & {registry.canonical(tb.qualified(resolved, other)) for other in siblings}
    if row.refused and not covered:
        text = f"{resolved.site.text}: {row.refused}; the clause stays as it was"
        yield tb.note(resolved, "exception-kept", text, Severity.WARNING)
        return
    wanted = () if covered else (*row.to, *extra)
    present = _named(resolved, siblings)
    if resolved.way == "both" and all(n.removeprefix("builtins.") in present for n in wanted):
        return
    names = [_written(resolved, name) for name in wanted]
    change = partial(_classes, tuple(names), resolved.way == "both")
    yield tb.edit(resolved, resolved.node, change, order=20, built=len(names) > 1)
    match resolved.parents:
        case (ast.Tuple() as group, *_):
            yield tb.edit(resolved, group, flatten_tuple, order=20, built=True)
        case (ast.Call() as call, *_) if tb.qualified(resolved, call.func) == SUPPRESS:
            yield tb.edit(resolved, call, flatten_arguments, order=20)


def exception_value(
    resolved: Resolved, registry: Registry, extra: Sequence[str] = ()
) -> Iterator[Outcome]:
    """The new classes where an old one is a value: for a handler that a variable gives its
    classes, for `isinstance`, for whoever decides what is tried again."""
    row = registry.exception(resolved.api)
    if row is None or not is_named(resolved, registry):
        return
    place = place_of(resolved, registry)
    if place in (Place.RAISED, Place.MOCKED):
        return
    siblings = _siblings(resolved) if place in (Place.AMONG, Place.TESTED) else []
    bases = {registry.canonical(base) for base in row.bases}
    covered = bases & {registry.canonical(tb.qualified(resolved, other)) for other in siblings}
    if row.refused and not covered:
        text = f"{resolved.site.text}: {row.refused}; it stays as it was"
        yield tb.note(resolved, "exception-kept", text, Severity.WARNING)
        return
    wanted = () if covered else (*row.to, *extra)
    both = resolved.way == "both"
    present = _named(resolved, siblings)
    if both and all(n.removeprefix("builtins.") in present for n in wanted):
        return
    several = len(wanted) + both > 1
    if place is Place.CALLED or (several and place is Place.ONE):
        classes = " and ".join(wanted)
        why = "which is called or asked for more than whether it fits" if not several else ""
        why = why or f"in whose place {classes} may arrive, where only one class can stand"
        if both:
            text = f"{resolved.site.text} stays here, {why}"
            yield tb.note(resolved, "exception-as-value", text, Severity.WARNING)
            return
        yield tb.refuse(
            resolved,
            "exception-as-value",
            f"{resolved.api} is a value here, {why}",
            "name the classes in a tuple that is only used in `except` and `isinstance`",
        )
        return
    change = partial(_classes, tuple(_written(resolved, n) for n in wanted), both)
    yield tb.edit(resolved, resolved.node, change, order=20, built=several)
    match resolved.parents[0]:
        case ast.Tuple() as group if place in (Place.AMONG, Place.TESTED):
            flatten = flatten_tuple if place is Place.TESTED else flatten_elements
            yield tb.edit(resolved, group, flatten, order=20, built=True)
        case ast.List() | ast.Set() as group if place is Place.AMONG:
            yield tb.edit(resolved, group, flatten_elements, order=20, built=True)
        case ast.Call() as call if place is Place.AMONG:
            yield tb.edit(resolved, call, flatten_arguments, order=20, built=True)


def _written(resolved: Resolved, name: str) -> str:
    """A class as it is written here: builtins by their bare name."""
    if name.startswith("builtins."):
        return name.removeprefix("builtins.")
    return resolved.names.dotted(name, resolved.site.span)


def _siblings(resolved: Resolved) -> list[ast.expr]:
    match resolved.parents[0]:
        case ast.Tuple(elts=elements):
            return [e for e in elements if e is not resolved.node]
        case ast.Call(args=args):
            return [a for a in args if a is not resolved.node]
    return []


def _classes(names: tuple[str, ...], both: bool, node: Any) -> Any:
    found = [tb.bare(node)] if both else []
    found += [tb.expression(name) for name in names]
    if len(found) == 1:
        return tb.keep_parentheses(node, found[0])
    return class_tuple(found)


def class_tuple(classes: Sequence[Any]) -> cst.Tuple:
    """`(A, B)`; an empty tuple dissolves in `flatten_tuple`."""
    return cst.Tuple(
        [cst.Element(c) for c in classes], lpar=[cst.LeftParen()], rpar=[cst.RightParen()]
    )


def flatten_tuple(node: Any) -> Any:
    """Tuples inside an except clause's tuple dissolve, and no class is named twice."""
    found: list[Any] = []
    for element in node.elements:
        inner = element.value.elements if isinstance(element.value, cst.Tuple) else [element]
        for one in inner:
            if not any(one.value.deep_equals(other.value) for other in found):
                found.append(one.with_changes(comma=cst.MaybeSentinel.DEFAULT))
    if [e.value for e in found] == [e.value for e in node.elements]:
        return node
    if len(found) == 1:
        return found[0].value
    return node.with_changes(elements=found)


def flatten_elements(node: Any) -> Any:
    """The same of a tuple, list or set that is a value, and stays one."""
    found: list[Any] = []
    for element in node.elements:
        inner = element.value.elements if isinstance(element.value, cst.Tuple) else [element]
        for one in inner:
            if not any(one.value.deep_equals(other.value) for other in found):
                found.append(one.with_changes(comma=cst.MaybeSentinel.DEFAULT))
    if [e.value for e in found] == [e.value for e in node.elements]:
        return node
    return node.with_changes(elements=found)


def flatten_arguments(call: Any) -> Any:
    """`suppress((A, B))` -> `suppress(A, B)`, and no class is named twice."""
    found: list[Any] = []
    for arg in call.args:
        inner = [arg]
        if isinstance(arg.value, cst.Tuple):
            inner = [cst.Arg(e.value) for e in arg.value.elements]
        for one in inner:
            if not any(one.value.deep_equals(other.value) for other in found):
                found.append(one)
    return call.with_changes(args=tb.arguments(call.args, found))
