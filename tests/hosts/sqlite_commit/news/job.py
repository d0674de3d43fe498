from news import feed
from news.store import Store


def collect(numbers):
    store = Store()
    try:
        for number in numbers:
            store.add(number, feed.item(number))
        store.commit()
    finally:
        store.close()
