"""Converts the SQL of published packages that use psycopg, and writes docs/sql-corpus.md.

    python scripts/sql_corpus.py [--only NAME ...] [--no-docs]

Wheels are downloaded through pip into .real-code/ and only read.  A string counts when it begins as
SQL does and PostgreSQL's parser accepts it as psycopg2 itself would send it, with `$n` in the place
of its parameters; prose, templates and other dialects drop out there.  `_psycopg2.py` must send the
same, and `_psycopg.py`, which says the types of parameters in front, something that the parser
accepts with the same parameters, or refuse it.

Nothing of what was downloaded is executed: each statement is sent behind one that fails, and a text
is parsed as a whole before its first statement runs.  Exit status 1 when a string is lost in the
conversion.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import psycopg2.extensions
from psycopg2.extensions import AsIs

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from asyncshift.codemods.psycopg2_async import _psycopg2  # noqa: E402
from asyncshift.codemods.psycopg_asyncpg import _psycopg  # noqa: E402
from tests.postgres_server import hold  # noqa: E402

CACHE = ROOT / ".real-code" / "wheels"
PAGE = ROOT / "docs" / "sql-corpus.md"
PACKAGES = {
    "absurd-sdk": "0.5.1",
    "agno": "3.1.10",
    "barman": "3.19.1",
    "chancy": "0.26.0",
    "click-odoo-contrib": "1.24",
    "dbsamizdat": "0.11.2",
    "django": "5.2.19",
    "django-postgres-extra": "3.0.1",
    "django-tenants": "4.0.1",
    "dlt": "1.31.0",
    "dramatiq-pg": "0.12.0",
    "eventsourcing": "9.5.6",
    "langgraph-checkpoint-postgres": "3.2.0",
    "londiste": "3.12",
    "mara-db": "4.11.0",
    "marabunta": "0.15.0",
    "matrix-synapse": "1.163.2",
    "mem0ai": "2.2.1",
    "nominatim-db": "5.3.3",
    "openupgradelib": "3.13.7",
    "patroni": "4.1.5",
    "peewee": "4.5.3",
    "pg-chameleon": "2.0.21",
    "pgadmin4": "9.18",
    "pgai": "0.12.1",
    "pgcli": "4.7.1",
    "pgcopy": "1.6.2",
    "pglift": "3.3.0",
    "pgmq": "1.1.4",
    "pgqueuer": "1.6.0",
    "pgspecial": "2.2.1",
    "pipelinewise-tap-postgres": "1.8.4",
    "pipelinewise-target-postgres": "2.1.2",
    "pony": "0.7.20",
    "postgres": "4.0",
    "powa-collector": "1.3.2",
    "psycopg-toolbox": "0.1.2",
    "psycopg2-mq": "0.13.6",
    "pum": "1.9.2",
    "pydal": "20260520.0",
    "pypgstac": "0.10.0",
    "Pyrseas": "0.10.0",
    "relstorage": "4.3.0",
    "skytools": "3.10.0",
    "splitgraph": "0.3.12",
    "swh-indexer": "4.12.1",
    "swh-scheduler": "3.6.0",
    "swh-storage": "4.3.0",
    "swh-vault": "2.1.0",
    "swh-web": "0.17.13",
    "tembo-pgmq-python": "0.10.0",
    "temboard": "9.0.1",
    "temboard-agent": "9.0.1",
    "trytond": "8.2.1",
    "yandex-pgmigrate": "1.0.10",
    "yoyo-migrations": "9.0.0",
}
EXECUTES = frozenset(
    {"execute", "executemany", "execute_values", "execute_batch", "mogrify", "copy_expert"}
)
BEGINS = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*"
    r"(?:SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|TRUNCATE|COPY|GRANT|REVOKE|COMMENT|SET"
    r"|SHOW|LOCK|LISTEN|NOTIFY|VACUUM|ANALYZE|EXPLAIN|DO|CALL|REFRESH|VALUES|DECLARE|FETCH|MERGE"
    r"|REINDEX|SAVEPOINT|RELEASE|ROLLBACK)\s+\S",
    re.IGNORECASE | re.DOTALL,
)
NAMED = re.compile(r"%\((\w+)\)s")


def wheel(name: str, version: str) -> Path:
    """The path of a wheel, downloaded when it is not there."""
    folder = CACHE / f"{name}-{version}"
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary", ":all:", "--dest", str(folder)]
        subprocess.run([*command, f"{name}=={version}"], check=True)
    (found,) = folder.glob("*.whl")
    return found


def sources(path: Path) -> Iterator[ast.Module]:
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".py"):
                try:
                    yield ast.parse(archive.read(name))
                except (SyntaxError, ValueError):
                    continue  # sources for another Python


def strings(module: ast.Module) -> Iterator[str]:
    """Every string that begins as SQL does, but for documentation."""
    documentation = {
        id(node.value)
        for node in ast.walk(module)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    in_text = {
        id(part)
        for node in ast.walk(module)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(module):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation | in_text
            and BEGINS.match(node.value)
        ):
            yield node.value


@dataclass
class Parser:
    """PostgreSQL's own parser."""

    connection: psycopg.Connection[tuple[object, ...]]

    def refuses(self, text: str) -> str:
        """What it says against `text`, or nothing; the statement in front fails in any case."""
        if "\0" in text:
            return "a NUL in the text"
        result = self.connection.pgconn.exec_(f"SELECT 1/0; {text}".encode())
        if result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"22012":
            return ""
        message = result.error_field(psycopg.pq.DiagnosticField.MESSAGE_PRIMARY) or b"no error"
        return message.decode(errors="replace")


@dataclass(frozen=True)
class Converted:
    """A statement as asyncpg takes it, or why it is refused."""

    text: str = ""
    refused: str = ""


def parameters(sql: str) -> list[AsIs] | dict[str, AsIs] | None:
    """`$1`, `$2`, ... as the arguments that a statement of psycopg asks for."""
    names = list(dict.fromkeys(NAMED.findall(sql)))
    if names:
        return {name: AsIs(f"${index}") for index, name in enumerate(names, 1)}
    count = len(re.findall(r"(?<!%)(?:%%)*%s", sql))
    return [AsIs(f"${index}") for index in range(1, count + 1)] or None


def by_psycopg2(sql: str, cursor: psycopg2.extensions.cursor) -> str:
    """The statement as psycopg2 sends it, with `$n` where values would be; "" if it does not."""
    try:
        return cursor.mogrify(sql, parameters(sql)).decode()
    except (psycopg2.Error, IndexError, KeyError, TypeError, ValueError):
        return ""


@dataclass
class Counts:
    """What became of the strings of a package."""

    found: int = 0
    sql: int = 0
    with_parameters: int = 0
    converted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)

    def add(self, sql: str, parser: Parser, cursor: psycopg2.extensions.cursor) -> None:
        self.found += 1
        sent = by_psycopg2(sql, cursor)
        if not sent or parser.refuses(sent):
            return
        self.sql += 1
        self.with_parameters += parameters(sql) is not None
        if (mine := _psycopg2._merged(sql, parameters(sql))) != sent:
            self.lost.append(f"psycopg2 sends another text\n{sql}\n-> {mine}")
            return
        made = convert(sql)
        if made.refused:
            self.refused[made.refused] += 1
            return
        error = parser.refuses(made.text)
        if error or numbers(made.text) != numbers(sent):
            self.lost.append(f"{error or 'other parameters'}\n{sql}\n-> {made.text}")
            return
        self.converted += 1

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.found + other.found,
            self.sql + other.sql,
            self.with_parameters + other.with_parameters,
            self.converted + other.converted,
            self.refused + other.refused,
            self.lost + other.lost,
        )

    def summary(self) -> str:
        refused = sum(self.refused.values())
        return (
            f"{self.found} found, {self.sql} SQL, {self.with_parameters} with parameters,"
            f" {self.converted} converted, {refused} refused, {len(self.lost)} lost"
        )


def numbers(text: str) -> list[str]:
    return sorted(set(re.findall(r"\$\d+", text)))


def convert(sql: str) -> Converted:
    """What `_psycopg.py` sends, with every type said."""
    if parameters(sql) is None:
        return Converted(sql)
    try:
        query = _psycopg._parse(sql)
    except _psycopg.ProgrammingError as error:
        return Converted(refused=str(error).partition(":")[0])
    return Converted(_psycopg._declared(query, ("text",) * len(query.marks)).text)


def page(counts: Mapping[str, Counts]) -> str:
    """The whole of docs/sql-corpus.md."""
    total = Counts()
    for one in counts.values():
        total += one
    lines = [
        "# SQL of published packages",
        "",
        "Written by `make sql-corpus`; `scripts/sql_corpus.py` says how it counts. *SQL* are the",
        "strings that the parser of a PostgreSQL takes as psycopg2 sends them. `_psycopg2.py`",
        "sends the same for each; what `_psycopg.py` makes of it is given to that parser.",
        "",
        f"{total.sql} statements of {len(counts)} packages, {total.with_parameters} of them with"
        f" parameters: {total.converted} converted, {sum(total.refused.values())} refused with a"
        f" reason, {len(total.lost)} lost.",
        "",
        "| package | SQL | with parameters | converted | refused | lost |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {name} {PACKAGES[name]} | {one.sql} | {one.with_parameters} | {one.converted}"
            f" | {sum(one.refused.values())} | {len(one.lost)} |"
            for name, one in counts.items()
        ),
        "",
    ]
    if total.refused:
        lines += ["| why refused | strings |", "|---|---:|"]
        lines += [f"| {reason} | {count} |" for reason, count in total.refused.most_common()]
        lines.append("")
    return "\n".join(lines)


def corpus(path: Path) -> list[str]:
    """The strings of a wheel, each once."""
    found = dict.fromkeys(text for module in sources(path) for text in strings(module))
    return list(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these packages, and no page")
    parser.add_argument("--no-docs", action="store_true", help=f"do not write {PAGE.name}")
    options = parser.parse_args()
    wanted = {name: PACKAGES[name] for name in options.only or PACKAGES}
    counts: dict[str, Counts] = {}
    seen: set[str] = set()
    with (
        hold() as server,
        psycopg.connect(server.uri, autocommit=True) as connection,
        contextlib.closing(psycopg2.connect(server.uri)) as old,
        old.cursor() as cursor,
    ):
        for name, version in wanted.items():
            counts[name] = Counts()
            for sql in corpus(wheel(name, version)):
                if sql not in seen:
                    seen.add(sql)
                    counts[name].add(sql, Parser(connection), cursor)
            print(f"{name} {version}: {counts[name].summary()}", flush=True)
            for text in counts[name].lost:
                print(f"  lost: {text}")
    if not (options.only or options.no_docs):
        PAGE.write_text(page(counts), encoding="utf-8")
    return 1 if any(one.lost for one in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
