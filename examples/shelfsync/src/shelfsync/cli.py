"""The command line."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from . import report
from .client import ShopClient
from .errors import ShopError
from .importer import run_import


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shelfsync", description="Copy a shop's catalogue.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--verbose", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True)
    importing = commands.add_parser("import", help="read everything, print and store it")
    importing.add_argument("--currency", default="EUR")
    importing.add_argument("--out", type=Path)
    commands.add_parser("categories", help="list the categories")
    return parser


def print_categories(url: str, token: str) -> None:
    with ShopClient(url, token) as shop:
        for category in shop.categories():
            print(f"{category.slug:<12} {category.title}")


def print_import(url: str, token: str, currency: str, out: Path | None) -> None:
    shelves = run_import(url, token, currency)
    for line in report.lines(shelves):
        print(line)
    if out is not None:
        report.write(out, shelves)


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO if args.verbose else logging.ERROR)
    try:
        if args.command == "categories":
            print_categories(args.url, args.token)
        else:
            print_import(args.url, args.token, args.currency, args.out)
    except ShopError as error:
        print(f"shelfsync: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
