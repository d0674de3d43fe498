import argparse
import sys

from stock import api, report


def main(argv=None):
    parser = argparse.ArgumentParser(prog="stock")
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show")
    show.add_argument("numbers", nargs="+")
    commands.add_parser("audit")
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "show":
            report.show(arguments.numbers)
        else:
            api.audit()
    except api.OutOfStock as error:
        print("error:", error, file=sys.stderr)
        sys.exit(1)
    finally:
        print("done", flush=True)
