from news import job
from news.store import stored


def main():
    job.collect([1, 2])
    print(stored())
    try:
        job.collect([3, 4, 5])
    finally:
        print(stored())


if __name__ == "__main__":
    main()
