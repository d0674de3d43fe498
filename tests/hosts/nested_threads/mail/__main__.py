from concurrent.futures import ThreadPoolExecutor

from mail import outbox, queue


def announced(number):
    return outbox.announce([f"friend{number}", "ann"])


def main():
    print(outbox.announce(["annabel", "bob", "eve"]))
    with ThreadPoolExecutor(40) as pool:
        for found in pool.map(announced, range(40)):
            print(found)
    print(queue.ranked(["three", "one"]))
    try:
        outbox.announce([""])
    except LookupError as error:
        print("error:", error)
    try:
        outbox.announce(["ann", "nobody", "bob"])
    finally:
        print("closing", flush=True)


if __name__ == "__main__":
    main()
