from concurrent.futures import ThreadPoolExecutor

from billing.api import bill
from orders.api import Shop
from orders.flow import buy


def main():
    shop = Shop()
    print(buy(shop, 1))
    print(bill(2))
    with ThreadPoolExecutor(8) as pool:
        for bought in pool.map(lambda number: buy(shop, number), range(8)):
            print(bought)
    shop.close()


if __name__ == "__main__":
    main()
