"""Constructs whose form depends on what stands on two sides: module by module as in one step."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from asyncshift.cli import run

from .test_fixtures import GENERATED, execute, tree

LIB = """
    import time


    def rows(count):
        try:
            for number in range(count):
                time.sleep(0.001)
                yield number
        finally:
            print("closed")


    def letters():
        yield from "ab"
        time.sleep(0.001)
    """
PROGRAMS = {
    "two bridged arguments": """
        import itertools

        from lib import letters, rows


        def main():
            print(list(itertools.chain(rows(2), letters(), rows(1))))


        if __name__ == "__main__":
            main()
        """,
    "an early exit": """
        from lib import rows


        def found(wanted):
            for row in rows(5):
                if row == wanted:
                    return row


        def main():
            print(found(2))
            print("done")


        if __name__ == "__main__":
            main()
        """,
    "the first of an iterator": """
        from lib import letters, rows


        def main():
            print(max(rows(2), default=0), next(iter(letters()), 7), next(iter(letters())))


        if __name__ == "__main__":
            main()
        """,
    "a suppressed end": """
        from contextlib import suppress

        from lib import rows


        def main():
            items = rows(2)
            with suppress(StopIteration):
                while True:
                    print(next(items))


        if __name__ == "__main__":
            main()
        """,
}


def code_of(root: Path) -> dict[str, list[bytes]]:
    """The lines of each file that hold something (the order of the steps decides where imports
    leave a blank one)."""
    files = tree(root).items()
    return {n: list(filter(None, d.splitlines())) for n, d in files if n not in GENERATED}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("border", [(), ("--boundary", "bridge", "--edit-callers")], ids=str)
def test_steps_come_to_the_end_of_one_step(
    program: str, border: tuple[str, ...], tmp_path: Path
) -> None:
    roots = [tmp_path / name for name in ("before", "whole", "steps")]
    for root in roots:
        root.mkdir()
        (root / "lib.py").write_text(dedent(LIB).lstrip())
        (root / "main.py").write_text(dedent(program).lstrip())
    before, whole, steps = roots
    always = ("--yes", "--jobs", "1")
    assert run(["apply", str(whole), *always]) == 0
    ran = execute(before, ["main.py"])
    assert ran.status == 0
    for module in ("lib", "main"):
        assert run(["apply", str(steps), *always, "--module", module, *border]) == 0
        now = execute(steps, ["main.py"])
        assert (now.status, now.output, now.never_awaited) == (0, ran.output, []), now.errors
    made = [code_of(root) for root in (whole, steps)]
    assert made[0] == made[1]
    assert made[0]["main.py"] != code_of(before)["main.py"]
