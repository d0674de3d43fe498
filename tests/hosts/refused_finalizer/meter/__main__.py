from meter.counter import Counter


def main():
    counter = Counter()
    counter.count += 1
    del counter
    print("deleted")


if __name__ == "__main__":
    main()
