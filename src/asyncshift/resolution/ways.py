"""Where ways through a function part and meet: what its variables hold there."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from asyncshift.resolution.scopes import Emitter, Scope
from asyncshift.resolution.versions import Env, Flow, Loop, bindings, bound_again


class Ways(Emitter):
    """Adds what a block, a loop and a handler do to the versions of local variables."""

    def begin(self, scope: Scope, block: list[ast.stmt]) -> None:
        """Look at a function's body before it is walked; its parameters are bound already."""
        if again := bound_again(scope.bound, block):
            scope.flow = Flow(scope.names, again | {self.private(name) for name in again})

    def finish(self, scope: Scope) -> None:
        """Before a function's nodes are counted: a definition that is mentioned can be any."""
        if scope.flow is not None:
            for name in scope.flow.versions:
                if name in scope.defined:
                    self.capture(scope, name)

    def weakly(self, name: str) -> int:
        """Bind a variable where nobody knows whether that is reached: `a and (x := f())`."""
        old = self.scope.names.get(name)
        number = self.bind(name)
        if old is not None:
            self.copy(number, old)
        return number

    def mark(self) -> int:
        """The place in the trail where ways part."""
        return 0 if self.scope.flow is None else len(self.scope.flow.trail)

    def leave(self) -> None:
        """`return` or `raise`."""
        if self.scope.flow is not None:
            self.scope.flow.dead = True

    def turn_back(self, mark: int) -> Env | None:
        """End one way and go back to where it began; gives its end, or None if it has none."""
        flow = self.scope.flow
        if flow is None:
            return None
        before = flow.before(mark)
        end = None if flow.dead else flow.seen(before)
        flow.restore(before)
        flow.dead = False
        return end

    def meet(self, ends: list[Env | None]) -> None:
        """Go on where several ways meet that began here; None is a way without an end."""
        flow = self.scope.flow
        if flow is None:
            return
        alive = [end for end in ends if end is not None]
        flow.dead = not alive
        for name in dict.fromkeys(name for end in alive for name in end):
            here = flow.names.get(name)
            self._join(flow, name, [end.get(name, here) for end in alive])

    def any_of(self, mark: int, end: int | None = None) -> None:
        """Go on as from any place of a part, because an exception may come from any of them."""
        flow = self.scope.flow
        if flow is None:
            return
        flow.dead = False
        found: dict[str, list[int | None]] = {}
        for name, old, new in flow.trail[mark:end]:
            found.setdefault(name, [old]).append(new)
        for name, numbers in found.items():
            self._join(flow, name, numbers)

    def _join(self, flow: Flow, name: str, numbers: Iterable[int | None]) -> None:
        sources = [number for number in dict.fromkeys(numbers) if number is not None]
        if name in flow.whole or not sources:
            return
        if len(sources) == 1:
            number = sources[0]
        else:
            number = self.node()
            for source in sources:
                self.copy(number, source)
            flow.versions[name].append(number)
        if flow.names.get(name) != number:
            flow.set(name, number)

    def enter_finally(self, mark: int) -> tuple[Env, bool]:
        """Gives what goes on behind it if nothing was raised; whatever was, passes through it."""
        flow = self.scope.flow
        if flow is None:
            return {}, False
        normal = flow.seen(flow.before(mark)), flow.dead
        self.any_of(mark)
        return normal

    def leave_finally(self, mark: int, normal: tuple[Env, bool]) -> None:
        flow = self.scope.flow
        if flow is None:
            return
        env, dead = normal
        changed = flow.before(mark)
        for name, number in env.items():
            if name not in changed and name not in flow.whole and number is not None:
                flow.set(name, number)
        flow.dead |= dead
        for loop in flow.loops:  # a `break` or `continue` takes along what is bound here
            if changed.keys() & loop.heads.keys():
                self._to_head(flow, loop)
                loop.left.append(flow.seen(loop.heads))

    # ------------------------------------------------------------------ loops

    def enter_loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        """What the body binds is seen at its beginning as well, from the second time on."""
        scope, heads = self.scope, dict[str, int]()
        if (flow := scope.flow) is None:
            return
        for name in dict.fromkeys(bindings([node])):
            if name in flow.several and name not in flow.whole and name not in scope.redirect:
                old = flow.names.get(name)
                heads[name] = self.version(flow, name)
                if old is not None:
                    self.copy(heads[name], old)
        flow.loops.append(Loop(heads))

    def repeat(self) -> None:
        """The end of a loop's body, or `continue`."""
        flow = self.scope.flow
        if flow is not None and flow.loops and not flow.dead:
            self._to_head(flow, flow.loops[-1])
            flow.dead = True

    def _to_head(self, flow: Flow, loop: Loop) -> None:
        for name, head in loop.heads.items():
            if (number := flow.names.get(name)) is not None:
                self.copy(head, number)

    def break_off(self) -> None:
        """`break`."""
        flow = self.scope.flow
        if flow is not None and flow.loops and not flow.dead:
            flow.loops[-1].left.append(flow.seen(flow.loops[-1].heads))
            flow.dead = True

    def end_body(self, endless: bool) -> None:
        """After a loop's body: what follows comes from its head."""
        flow = self.scope.flow
        if flow is not None:
            self.repeat()
            for name, head in flow.loops[-1].heads.items():
                if name not in flow.whole:
                    flow.set(name, head)
            flow.dead = endless

    def end_loop(self) -> None:
        """After its `else`: the breaks come here as well."""
        flow = self.scope.flow
        if flow is not None:
            loop = flow.loops.pop()
            self.meet([None if flow.dead else flow.seen(loop.heads), *loop.left])
