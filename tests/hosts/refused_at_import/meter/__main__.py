from meter import settings
from meter.push import push


def main():
    print(settings.LIMIT, push("running"))


if __name__ == "__main__":
    main()
