import os

from site_ import client, pages


def make_application():
    title = client.title()

    def application(environ, start_response):
        text = f"{title}: {pages.page(environ['PATH_INFO'])}"
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Pid", str(os.getpid()))])
        return [text.encode()]

    return application
