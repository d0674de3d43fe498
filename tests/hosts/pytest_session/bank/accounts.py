def total(client, accounts):
    return sum([client.balance(account) for account in accounts])


def richest(client, accounts):
    found = accounts[0]
    for account in accounts:
        if client.balance(account) > client.balance(found):
            found = account
    return found
