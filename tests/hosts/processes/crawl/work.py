from crawl import page


def both(number):
    return page.fetch(number), page.fetch(number + 100)


def strict(number):
    page.failing(number)
