"""`match` statements of one file as constraints: what the names in their patterns hold."""

from __future__ import annotations

import ast

from asyncshift.facts import CONSTANT, LOAD, SEED, SUB, UNKNOWN
from asyncshift.resolution.definitions import Definitions
from asyncshift.resolution.versions import Env


class Patterns(Definitions):
    """Adds what a `match` statement means."""

    def match(self, node: ast.Match) -> None:
        subject = self.value(node.subject)
        self.tested(subject)
        mark, none = self.mark(), Env()
        ends: list[Env | None] = [none]
        for case in node.cases:
            self._pattern(case.pattern, subject)
            if case.guard is not None:
                self.test(case.guard)
            self.body(case.body)
            ends.append(self.turn_back(mark))
        self.meet(ends)

    def _pattern(self, pattern: ast.pattern, subject: int) -> None:
        match pattern:
            case ast.MatchClass(cls=cls, patterns=inner, kwd_patterns=named):
                found = self.value(cls)
                if subject > 0 and found > 0:
                    self.ops.append((SEED, subject, found, CONSTANT))
                for part in inner:
                    self._pattern(part, UNKNOWN)
                for attr, part in zip(pattern.kwd_attrs, named, strict=True):
                    self.texts.setdefault(attr, pattern.lineno)
                    self._pattern(part, self._loaded(subject, attr))
            case ast.MatchAs(pattern=inner_pattern, name=name):
                if inner_pattern is not None:
                    self._pattern(inner_pattern, subject)
                if name is not None:
                    self.copy(self.bind(name), subject)
            case ast.MatchOr(patterns=parts):
                for part in parts:
                    self._pattern(part, subject)
            case ast.MatchSequence(patterns=parts):
                fixed = not any(isinstance(part, ast.MatchStar) for part in parts)
                for index, part in enumerate(parts):
                    self._pattern(part, self._item(subject, index if fixed else None))
            case ast.MatchMapping(keys=keys, patterns=parts, rest=rest):
                for key, part in zip(keys, parts, strict=True):
                    self._pattern(part, self._item(subject, self.key(key)))
                if rest is not None:
                    self.copy(self.bind(rest), UNKNOWN)
            case ast.MatchStar(name=str() as name):
                holder, elements = self.box("list")
                self.copy(elements, subject)
                self.copy(self.bind(name), holder)
            case ast.MatchValue(value=value):
                self.value(value)

    def _loaded(self, subject: int, attr: str) -> int:
        if subject <= 0:
            return UNKNOWN
        target = self.node()
        self.ops.append((LOAD, target, subject, attr))
        return target

    def _item(self, subject: int, key: object) -> int:
        if subject <= 0:
            return UNKNOWN
        target = self.node()
        self.ops.append((SUB, target, subject, key, CONSTANT))
        return target
