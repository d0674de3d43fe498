from shop import client


def price(article):
    slept = client.fetch(article)["slept"]
    return {"article": article, "price": slept + article}


def available(article):
    try:
        return client.stock(article) == 200
    except client.SupplierDown as error:
        return str(error)
