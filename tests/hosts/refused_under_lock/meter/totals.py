import threading

from meter.push import push

lock = threading.RLock()
pushed = []


def count(name):
    with lock:
        pushed.append(push(name))
        if len(pushed) < 2:
            count(name)
        return len(pushed)
