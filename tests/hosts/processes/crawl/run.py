import multiprocessing
import sys

from crawl import page, work


def child(number):
    print("child read", page.fetch(number), flush=True)
    sys.exit(4)


def main(method):
    context = multiprocessing.get_context(method)
    print(page.fetch(0))
    with context.Pool(3) as pool:
        for pair in pool.map(work.both, range(6)):
            print(*pair)
        try:
            pool.map(work.strict, [404])
        except ValueError as error:
            print("error:", error)
    process = context.Process(target=child, args=(7,))
    sys.stdout.flush()
    process.start()
    process.join()
    print("child ended with", process.exitcode)
    print(page.fetch(1))
