"""The command line."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from . import report
from .client import ShopClient
from .errors import ShopError
from .importer import run_import
from .models import Shelf
from .store import opened


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shelfsync", description="Copy a shop's catalogue.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--verbose", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True)
    importing = commands.add_parser("import", help="read everything, print and store it")
    importing.add_argument("--currency", default="EUR")
    importing.add_argument("--out", type=Path)
    importing.add_argument("--database", help="keep it there as well")
    importing.add_argument("--keep", type=int, default=10, help="how many imports to keep there")
    commands.add_parser("categories", help="list the categories")
    stored = commands.add_parser("stored", help="list what is kept in the database")
    stored.add_argument("--database", required=True)
    stored.add_argument("--find", default="")
    stored.add_argument("--below", type=Decimal)
    return parser


def print_categories(url: str, token: str) -> None:
    with ShopClient(url, token) as shop:
        for category in shop.categories():
            print(f"{category.slug:<12} {category.title}")


def print_import(url: str, token: str, currency: str, out: Path | None) -> list[Shelf]:
    shelves = run_import(url, token, currency)
    for line in report.lines(shelves):
        print(line)
    if out is not None:
        report.write(out, shelves)
    return shelves


def keep_import(database: str, shelves: list[Shelf], currency: str, keep: int) -> None:
    with opened(database) as store:
        store.prepare()
        number = store.save(shelves, currency)
        print(f"stored as import {number}, {store.keep(keep)} forgotten")


def print_stored(database: str, text: str, below: Decimal | None) -> None:
    with opened(database) as store:
        for one in store.imports():
            print(f"{one.number:>3} {one.products:>5} products {one.total:>9} {one.currency}")
        for sku, name, amount in store.find(text, below):
            print(f"  {sku:<10} {name:<22} {amount:>8}")


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO if args.verbose else logging.ERROR)
    try:
        if args.command == "categories":
            print_categories(args.url, args.token)
        elif args.command == "stored":
            print_stored(args.database, args.find, args.below)
        else:
            shelves = print_import(args.url, args.token, args.currency, args.out)
            if args.database:
                keep_import(args.database, shelves, args.currency, args.keep)
    except ShopError as error:
        print(f"shelfsync: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
