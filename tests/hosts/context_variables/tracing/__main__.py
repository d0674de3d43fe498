from concurrent.futures import ThreadPoolExecutor

from tracing import client, jobs, log

log.configure()


def third():
    jobs.job("three")


def main():
    for name in ("one", "two"):
        jobs.job(name)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(third).result()
    client.call("last")


if __name__ == "__main__":
    main()
