from mail import smtp


def weight(name):
    return len(smtp.post({"to": name}))


def ranked(names):
    return sorted(names, key=weight)
