from tracing import session


def main():
    print(session.user.get())
    session.login("ann")
    print(session.user.get())
    session.logout()
    print(session.user.get())


if __name__ == "__main__":
    main()
