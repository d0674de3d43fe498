from billing import api as billing


def buy(shop, number):
    return shop.order(number), billing.bill(number)
