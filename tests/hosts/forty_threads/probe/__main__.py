import threading

from probe import checks

THREADS = 40
together = threading.Barrier(THREADS)
results = {}


def work(number):
    together.wait(30)
    results[number] = checks.check(number)


def main():
    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(THREADS):
        print(number, *results[number])


if __name__ == "__main__":
    main()
