import contextvars

from tracing import client, jobs, log

log.configure()


def session(user):
    with log.request("session"):
        client.login(user)
        jobs.logger.info("logged in")


def main():
    for name in ("one", "two"):
        jobs.job(name)
    contextvars.copy_context().run(session, "ann")
    jobs.logger.info("at last")


if __name__ == "__main__":
    main()
