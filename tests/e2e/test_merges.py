"""What happens to a project between two steps: branches are merged, files renamed, reformatted,
edited.  Whatever it was, `check` finds nothing, the program does the same, and the steps that
follow come to where one step would have come."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from asyncshift.cli import run

from .test_fixtures import Ran, execute

FILES = {
    "pyproject.toml": "[project]\nname = 'pkg'\nrequires-python = '>=3.11'\n",
    "pkg/__init__.py": "",
    "pkg/mail.py": """
        import time

        def post(to, text="hello"):
            time.sleep(0.001)
            return f"to {to}: {text}"

        def posted(names):
            for name in names:
                yield post(name)
        """,
    "pkg/store.py": """
        import time
        from contextlib import contextmanager

        @contextmanager
        def opened(name):
            time.sleep(0.001)
            rows = [name]
            try:
                yield rows
            finally:
                time.sleep(0.001)
                print("closed", len(rows))

        def load(name):
            with opened(name) as rows:
                rows.append(len(name))
            return rows
        """,
    "pkg/app.py": """
        from pkg.mail import post, posted
        from pkg.store import load, opened

        def report(names):
            return [post("all"), *posted(names), load("app")]

        def keep(names):
            with opened("kept") as rows:
                rows.extend(report(names))
            return len(rows)
        """,
    "main.py": """
        from pkg import app

        def main():
            print(app.report(["ada", "bob"]), app.keep(["cy"]))

        if __name__ == "__main__":
            main()
        """,
}


class Repository:
    """A git repository with the program, on the branch `main`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILES.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(dedent(text).lstrip())
        self.before = execute(root, ["main.py"])
        assert self.before.status == 0
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "tests")
        self.git("config", "user.email", "tests@localhost")
        self.commit("the sync program")

    def git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def step(self, *modules: str) -> None:
        options = [word for module in modules for word in ("--module", module)]
        assert run(["apply", str(self.root), "--yes", "--jobs", "1", *options]) == 0
        self.commit(f"apply {' '.join(modules)}")

    def edit(self, name: str, old: str, new: str) -> None:
        text = self.read(name)
        assert old in text
        (self.root / name).write_text(text.replace(old, new))

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def is_sound(self, before: Ran | None = None) -> None:
        assert run(["check", str(self.root), "--jobs", "1"]) == 0
        after, before = execute(self.root, ["main.py"]), before or self.before
        assert (after.status, after.output, after.never_awaited) == (0, before.output, [])

    def code(self) -> dict[str, str]:
        return {
            path.relative_to(self.root).as_posix(): ast.dump(ast.parse(path.read_text()))
            for path in self.root.rglob("*.py")
        }


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def one_step(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    whole = Repository(tmp_path_factory.mktemp("one-step"))
    whole.step()
    return whole.code()


def test_two_branches_with_a_module_each(repository: Repository, one_step: dict[str, str]) -> None:
    repository.git("checkout", "-q", "-b", "mail")
    repository.step("pkg.mail")
    repository.git("checkout", "-q", "-b", "store", "main")
    repository.step("pkg.store")
    repository.git("merge", "-q", "-m", "both", "mail")
    assert repository.git("status", "--porcelain") == ""
    assert "async def post_async" in repository.read("pkg/mail.py")
    assert "async def opened_async" in repository.read("pkg/store.py")
    repository.is_sound()
    repository.step("pkg.app", "main")
    repository.is_sound()
    repository.step("pkg")
    repository.is_sound()
    assert repository.code() == one_step


def test_a_branch_that_did_not_migrate_changes_a_caller(
    repository: Repository, one_step: dict[str, str]
) -> None:
    repository.git("checkout", "-q", "-b", "feature")
    repository.edit("pkg/app.py", "    return [post(", "    names = list(names)\n    return [post(")
    repository.commit("a feature")
    repository.git("checkout", "-q", "main")
    repository.step("pkg.mail", "pkg.app")
    done = subprocess.run(
        ["git", "merge", "-q", "feature"], cwd=repository.root, capture_output=True, check=False
    )
    if done.returncode:  # both touched the line: the feature's author writes it once more
        repository.git("merge", "--abort")
        body = "async def report_async(names):\n"
        repository.edit("pkg/app.py", body, f"{body}    names = list(names)\n")
        repository.commit("a feature, again")
    repository.is_sound()
    repository.step()
    repository.is_sound()
    code = repository.code()
    assert "list" in code.pop("pkg/app.py")
    assert code == {name: text for name, text in one_step.items() if name != "pkg/app.py"}


def test_a_renamed_file(repository: Repository, one_step: dict[str, str]) -> None:
    repository.step("pkg.mail")
    repository.git("mv", "pkg/mail.py", "pkg/letters.py")
    repository.edit("pkg/app.py", "pkg.mail", "pkg.letters")
    repository.commit("letters")
    repository.is_sound()
    repository.step("pkg.app")
    repository.is_sound()
    repository.step()
    repository.is_sound()
    code = repository.code()
    assert code["pkg/letters.py"] == one_step["pkg/mail.py"]
    assert code["pkg/app.py"] == one_step["pkg/app.py"].replace("pkg.mail", "pkg.letters")


@pytest.mark.parametrize("width", ["40", "160"])
def test_reformatted_files(repository: Repository, one_step: dict[str, str], width: str) -> None:
    for modules in (["pkg.store"], ["pkg.mail"], ["pkg.app"], ["main"], ["pkg"]):
        repository.step(*modules)
        black = [sys.executable, "-m", "black", "-q", "-l", width, "."]
        subprocess.run(black, cwd=repository.root, check=True)
        repository.git("commit", "-q", "--allow-empty", "-a", "-m", "black")
        repository.is_sound()
    assert repository.code() == one_step


def test_a_facade_that_was_taken_out_by_hand(
    repository: Repository, one_step: dict[str, str]
) -> None:
    """The team awaits `load_async` in new code and drops the sync `load`, for which it needs no
    tool; the next step takes what it finds."""
    repository.step("pkg.store")
    text = repository.read("pkg/store.py")
    start = text.index("def load(")
    (repository.root / "pkg/store.py").write_text(text[:start].rstrip() + "\n")
    repository.edit("pkg/app.py", "import load, opened", "import load_async, opened")
    repository.edit("pkg/app.py", 'load("app")', 'run_sync(load_async("app"))')
    repository.edit(
        "pkg/app.py", "from pkg.mail", "from pkg._run_sync import run_sync\nfrom pkg.mail"
    )
    repository.commit("by hand")
    repository.is_sound()
    repository.step("pkg.app")
    repository.is_sound()
    repository.step()
    repository.is_sound()
    assert "async def load_async" in repository.read("pkg/store.py")
    assert 'await load_async("app")' in repository.read("pkg/app.py")
    assert repository.code()["pkg/mail.py"] == one_step["pkg/mail.py"]


def test_a_coroutine_that_was_edited_by_hand(repository: Repository) -> None:
    """New code between the steps: another call below, another caller above."""
    repository.step("pkg.mail")
    repository.edit(
        "pkg/mail.py", "    return f", "    import pkg.store\n    pkg.store.load(to)\n    return f"
    )
    repository.edit("pkg/app.py", "    return [post(", "    post('new')\n    return [post(")
    repository.commit("by hand")
    before = execute(repository.root, ["main.py"])
    assert before.output.count("closed") > repository.before.output.count("closed")
    repository.step("pkg.store")
    repository.is_sound(before)
    repository.step()
    repository.is_sound(before)
    assert "await pkg.store.load(to)" in repository.read("pkg/mail.py")
    assert "await post('new')" in repository.read("pkg/app.py")
    assert not (repository.root / "pkg/_run_sync.py").exists()
