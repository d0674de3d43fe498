from meter import totals


def main():
    print(totals.count("locked"), totals.pushed)


if __name__ == "__main__":
    main()
