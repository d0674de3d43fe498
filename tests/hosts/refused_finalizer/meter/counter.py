from meter.push import push


class Counter:
    def __init__(self):
        self.count = 0

    def __del__(self):
        print(push(f"deleted{self.count}"))
