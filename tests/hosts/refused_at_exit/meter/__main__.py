import atexit

from meter.push import push


def goodbye():
    print(push("exit"))


def main():
    atexit.register(goodbye)
    print("running")


if __name__ == "__main__":
    main()
