import sys

from watch.feed import poll


def main():
    try:
        poll()
    except KeyboardInterrupt:
        print("stopped by the user", flush=True)
        sys.exit(130)
