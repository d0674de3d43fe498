from stock import api


def show(numbers):
    for number in numbers:
        found = api.article(number)
        print(number, found["path"], found["args"])
    print("shown", len(numbers))
