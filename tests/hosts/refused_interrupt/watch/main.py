from watch.feed import poll


def main():
    print("ended:", poll(), flush=True)
