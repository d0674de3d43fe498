from site_ import client


def page(name):
    return f"{name} waited {client.load(name)}"
