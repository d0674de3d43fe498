"""What takes items one by one from a generator that turned async.

Bad: everything is read before the first three are taken.

    first = list(islice([row async for row in rows()], 3))

Good: three are read.

    first = [row async for row in _aiter.islice(rows(), 3)]

Where a comprehension says the same it is written instead, and with `allow = ["asyncstdlib"]` the
functions of asyncstdlib are.  What is generated has only the functions that the project uses.
"""
