from watch.feed import poll


def main():
    try:
        poll("printer")
    finally:
        print("bye", flush=True)
