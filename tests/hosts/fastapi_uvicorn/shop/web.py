from fastapi import FastAPI

from shop import prices

app = FastAPI()


@app.get("/price/{article}")
async def price(article: int):
    return prices.price(article)


@app.get("/available/{article}")
def available(article: int):
    return {"article": article, "available": prices.available(article)}
