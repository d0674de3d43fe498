"""Sources that nobody writes but that Python takes, or nearly: for every step that reads them.

Each function makes one tree of about `size` of something.  Twice the size is meant to take about
twice the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Tree = Mapping[str, bytes]
Maker = Callable[[int], Tree]

NAP = "import time\n\n\ndef nap(x=None):\n    time.sleep(0)\n    return x\n\n\n"
"""What makes every tree one that has something to migrate."""


def _one(text: str) -> Tree:
    return {"app.py": (NAP + text).encode()}


# ----------------------------------------------------------------------------- deep


def terms(size: int) -> Tree:
    return _one("X = " + " + ".join(["nap(1)"] * size) + "\n")


def calls_in_calls(size: int) -> Tree:
    """CPython's own parser ends at 200 brackets."""
    return _one(f"X = {'nap(' * min(size, 90)}1{')' * min(size, 90)}\n")


def attributes(size: int) -> Tree:
    return _one(f"def f(a):\n    return a{'.b' * size}\n\n\nX = f(nap)\n")


def call_chain(size: int) -> Tree:
    method = "    def step(self):\n        nap()\n        return self\n"
    return _one(f"class Chain:\n{method}\n\nX = Chain(){'.step()' * size}\n")


def subscripts(size: int) -> Tree:
    return _one(f"def f(a):\n    return a{'[0]' * size}\n\n\nX = f(nap)\n")


def negations(size: int) -> Tree:
    return _one(f"X = {'not ' * min(size, 5_000)}nap()\n")


def conditionals(size: int) -> Tree:
    return _one("X = " + " ".join(f"nap({n}) if nap else" for n in range(size)) + " 0\n")


def lambdas(size: int) -> Tree:
    return _one(f"X = {'lambda: ' * min(size, 5_000)}nap()\n")


def elifs(size: int) -> Tree:
    branches = "".join(f"    elif x == {n}:\n        return nap({n})\n" for n in range(size))
    return _one(f"def f(x):\n    if x is None:\n        return nap()\n{branches}\n\nf(1)\n")


def blocks(size: int) -> Tree:
    """CPython takes 100 levels of indentation, 20 of `for`."""
    deep = min(size, 90)
    lines = [f"{' ' * n}if nap({n}):" for n in range(1, deep)]
    return _one("def f():\n" + "\n".join(lines) + f"\n{' ' * deep}pass\n\n\nf()\n")


def functions_in_functions(size: int) -> Tree:
    deep = min(size, 90)
    lines = [f"{' ' * n}def f{n}():" for n in range(deep)]
    back = [f"{' ' * (n + 1)}return f{n + 1}()" for n in range(deep - 2, -1, -1)]
    return _one("\n".join([*lines, f"{' ' * deep}return nap()", *back]) + "\n\n\nf0()\n")


def f_strings(size: int) -> Tree:
    inner = "{f'{nap(1)}'}" * size
    return _one(f'X = f"{inner}"\nY = f"""{{f"{{f\'{{nap()}}\'}}"}}"""\n')


# ----------------------------------------------------------------------------- wide


def functions(size: int) -> Tree:
    return _one(
        "\n\n".join(f"def f{n}(x):\n    return f{max(n - 1, 0)}(nap(x))\n" for n in range(size))
    )


def methods(size: int) -> Tree:
    body = "\n".join(f"    def m{n}(self):\n        return self.m{n + 1}()\n" for n in range(size))
    last = f"    def m{size}(self):\n        return nap()\n"
    return _one(f"class Big:\n{body}\n{last}\n\nBig().m0()\n")


def one_long_function(size: int) -> Tree:
    lines = "\n".join(f"    x{n} = nap(x{max(n - 1, 0)})" for n in range(size))
    return _one(f"def f(x0):\n{lines}\n    return x0\n\n\nf(1)\n")


def one_variable(size: int) -> Tree:
    """Every function in turn is the value of one name."""
    lines = "".join(f"def f{n}():\n    return nap()\n\n\nx = f{n}\nx()\n\n\n" for n in range(size))
    return _one(lines)


def decorators(size: int) -> Tree:
    one = "def mark(f):\n    def inner(*args):\n        return f(*args)\n\n    return inner\n"
    lines = "@mark\n" * size
    return _one(f"{one}\n\n{lines}def f():\n    return nap()\n\n\nf()\n")


def decorated(size: int) -> Tree:
    one = "def mark(f):\n    def inner(*args):\n        return f(*args)\n\n    return inner\n"
    lines = "".join(f"@mark\ndef f{n}():\n    return nap()\n\n\nf{n}()\n\n\n" for n in range(size))
    return _one(f"{one}\n\n{lines}")


def decorator_factory(size: int) -> Tree:
    return _one(
        "ROUTES = {}\n\n\ndef route(path):\n    def add(f):\n        ROUTES[path] = f\n"
        "        return f\n\n    return add\n\n\n"
        + "".join(f"@route('/{n}')\ndef f{n}():\n    return nap()\n\n\n" for n in range(size))
        + "def main(path):\n    return ROUTES[path]()\n\n\nmain('/0')\n"
    )


def dispatch(size: int) -> Tree:
    names = [f"def f{n}():\n    return nap()\n" for n in range(min(size, 200))]
    items = "".join(f"    'k{n}': f{n % len(names)},\n" for n in range(size))
    use = "def main(key):\n    return TABLE[key]()\n\n\nTABLE['k1']()\nmain('k2')\n"
    return _one("\n\n".join(names) + f"\n\nTABLE = {{\n{items}}}\n\n\n{use}")


def wide_tuple(size: int) -> Tree:
    return _one(f"X = ({'nap, ' * size})\n\n\nfor f in X:\n    f()\nX[{size - 1}]()\n")


def arguments(size: int) -> Tree:
    names = ", ".join(f"a{n}" for n in range(size))
    return _one(f"def f({names}):\n    return a0()\n\n\nf({', '.join(['nap'] * size)})\n")


def same_calls(size: int) -> Tree:
    return _one("".join(f"nap({n})\n" for n in range(size)))


def callers(size: int) -> Tree:
    return _one("\n\n".join(f"def f{n}():\n    return nap()\n" for n in range(size)))


def handlers(size: int) -> Tree:
    names = "".join(f"class E{n}(Exception):\n    pass\n\n\n" for n in range(size))
    body = "".join(f"    except E{n} as e:\n        return nap(e)\n" for n in range(size))
    return _one(f"{names}def f():\n    try:\n        nap()\n{body}\n\nf()\n")


def managers(size: int) -> Tree:
    one = "class M:\n    def __enter__(self):\n        nap()\n\n"
    one += "    def __exit__(self, *args):\n        pass\n"
    lines = "".join("    with M(), M() as m:\n        pass\n" for _ in range(size))
    return _one(f"{one}\n\ndef f():\n{lines}\n\nf()\n")


def comprehensions(size: int) -> Tree:
    return _one("".join(f"X{n} = [nap(y) for y in (z for z in range({n}))]\n" for n in range(size)))


def duplicates(size: int) -> Tree:
    return _one(
        "".join(
            f"def f():\n    return nap({n})\n\n\nclass C:\n    def m(self):\n"
            f"        return f()\n\n\n"
            for n in range(size)
        )
        + "f()\nC().m()\n"
    )


def cases(size: int) -> Tree:
    lines = "".join(
        f"        case {{'k': [{n}, *rest]}}:\n            return nap(rest)\n" for n in range(size)
    )
    return _one(f"def f(x):\n    match x:\n{lines}\n\nf(1)\n")


def strings(size: int) -> Tree:
    return _one("".join(f"'a.b.c{n}.nap'\nX{n} = 'app.nap'\n" for n in range(size)))


def global_names(size: int) -> Tree:
    return _one(
        "".join(
            f"def f{n}():\n    global x\n    x = f{n}\n    return nap()\n\n\n" for n in range(size)
        )
        + "def g():\n    return x()\n"
    )


def closures(size: int) -> Tree:
    inner = "".join(
        f"    def g{n}():\n        nonlocal x\n        x = nap(x)\n"
        f"        return g{max(n - 1, 0)}\n\n"
        for n in range(size)
    )
    return _one(f"def f(x):\n{inner}    return g0\n\n\nf(1)()\n")


# ----------------------------------------------------------------------------- classes


def subclasses(size: int) -> Tree:
    first = "class Base:\n    def run(self):\n        return self.step()\n\n"
    first += "    def step(self):\n        return nap()\n\n\n"
    more = "".join(
        f"class C{n}(Base):\n    def step(self):\n        return super().step()\n\n\n"
        for n in range(size)
    )
    return _one(first + more + "def f(x: Base):\n    return x.run()\n\n\nf(C0())\n")


def inheritance_chain(size: int) -> Tree:
    first = "class C0:\n    def run(self):\n        return nap()\n\n\n"
    more = "".join(f"class C{n}(C{n - 1}):\n    pass\n\n\n" for n in range(1, size))
    return _one(first + more + f"C{size - 1}().run()\n")


def backward_chain(size: int) -> Tree:
    """Each class before its base: no program that runs, but one that parses."""
    text = "".join(f"class C{n}(C{n + 1}):\n    pass\n\n\n" for n in range(size))
    return _one(f"{text}class C{size}:\n    def run(self):\n        return nap()\n\n\nC0().run()\n")


def overriding_chain(size: int) -> Tree:
    first = "class C0:\n    def run(self):\n        return nap()\n\n\n"
    more = "".join(
        f"class C{n}(C{n - 1}):\n    def run(self):\n        return super().run()\n\n\n"
        for n in range(1, size)
    )
    return _one(first + more + f"C{size - 1}().run()\n")


def diamond(size: int) -> Tree:
    first = "class Base:\n    def run(self):\n        return nap()\n\n\n"
    sides = "".join(f"class C{n}(Base):\n    pass\n\n\n" for n in range(size))
    names = ", ".join(f"C{n}" for n in range(size))
    return _one(f"{first}{sides}class Last({names}):\n    pass\n\n\nLast().run()\n")


def protocols(size: int) -> Tree:
    text = "from typing import Protocol\n\n\n"
    for n in range(size):
        text += f"class P{n}(Protocol):\n    def m{n}(self): ...\n\n\n"
        text += f"class C{n}:\n    def m{n}(self):\n        return nap()\n\n\n"
        text += f"def f{n}(x: P{n}):\n    return x.m{n}()\n\n\nf{n}(C{n}())\n\n\n"
    return _one(text)


def cyclic_bases(size: int) -> Tree:
    text = "".join(
        f"class C{n}(C{(n + 1) % size}):\n    def run(self):\n"
        f"        return super().run() or nap()\n\n\n"
        for n in range(size)
    )
    return _one(text + "class Own(Own):\n    pass\n\n\nC0().run()\nOwn().run()\n")


def stored_attributes(size: int) -> Tree:
    lines = "".join(f"        self.a{n} = nap\n" for n in range(size))
    use = "".join(f"        self.a{n}()\n" for n in range(size))
    return _one(
        f"class C:\n    def __init__(self):\n{lines}\n    def run(self):\n{use}\n\nC().run()\n"
    )


def dataclass_fields(size: int) -> Tree:
    lines = "".join(f"    a{n}: object\n" for n in range(size))
    text = f"from dataclasses import dataclass\n\n\n@dataclass\nclass C:\n{lines}\n\n"
    return _one(f"{text}C({', '.join(['nap'] * size)}).a0()\n")


# ----------------------------------------------------------------------------- recursive values


def recursive_partials(size: int) -> Tree:
    lines = "".join(f"p = partial(p, {n})\n" for n in range(size))
    return _one(
        f"from functools import partial\n\n\np = partial(nap)\n{lines}p()\n\n\n"
        "def again(f):\n    return again(partial(f, f))\n\n\nagain(nap)()\n"
    )


def recursive_containers(size: int) -> Tree:
    lines = "".join("x = [x, {'k': x}, (x, nap)]\nx[0]\n" for _ in range(size))
    return _one(
        f"x = [nap]\nx.append(x)\n{lines}\n\nfor y in x:\n    for z in y:\n        z()\nnap()\n"
    )


def callable_objects(size: int) -> Tree:
    return _one(
        "class C:\n    def __call__(self):\n        nap()\n        return self\n\n\n"
        "class D:\n    pass\n\n\nD.__call__ = D()\nD()()\n"
        "c = C()\n" + "c = c()()\n" * size
    )


def clients(size: int) -> Tree:
    """Many origins of one library class meet in one place."""
    return {
        "app.py": (
            "import requests\n\n\ndef use(s):\n    return s.get('http://a').json()\n\n\n"
            + "".join(f"def f{n}():\n    return use(requests.Session())\n\n\n" for n in range(size))
        ).encode()
    }


# ----------------------------------------------------------------------------- modules


def star_chain(size: int) -> Tree:
    files = {f"m{n}.py": f"from m{n + 1} import *\n".encode() for n in range(size)}
    files[f"m{size}.py"] = NAP.encode()
    return {**files, "app.py": b"from m0 import *\n\n\ndef f():\n    return nap()\n"}


def name_chain(size: int) -> Tree:
    files = {f"m{n}.py": f"from m{n + 1} import nap\n".encode() for n in range(size)}
    files[f"m{size}.py"] = NAP.encode()
    return {**files, "app.py": b"from m0 import nap\n\n\ndef f():\n    return nap()\n"}


def star_cycle(size: int) -> Tree:
    files = {
        f"m{n}.py": (
            f"from m{(n + 1) % size} import *\nfrom m{(n * 7 + 3) % size} import *\n"
            f"def f{n}():\n    return f{(n + 5) % size}() or nap()\n"
        ).encode()
        for n in range(size)
    }
    return {**files, "app.py": f"from m0 import *\n{NAP}f1()\n".encode()}


def star_ladder(size: int) -> Tree:
    """Each module takes everything of the next two: the number of ways doubles at each."""
    files = {
        f"m{n}.py": f"from m{n + 1} import *\nfrom m{n + 2} import *\n".encode()
        for n in range(size)
    }
    files[f"m{size}.py"] = b"def other():\n    return 1\n"
    files[f"m{size + 1}.py"] = NAP.encode()
    return {**files, "app.py": b"from m0 import *\n\n\ndef f():\n    return nap() or nowhere()\n"}


def import_cycle(size: int) -> Tree:
    files = {
        f"pkg/m{n}.py": (
            f"from . import m{(n + 1) % size}\nfrom .m{(n + 2) % size} import f as g\n"
            f"import time\n\n\ndef f():\n    time.sleep(0)\n"
            f"    return m{(n + 1) % size}.f() or g()\n"
        ).encode()
        for n in range(size)
    }
    return {**files, "pkg/__init__.py": b"from .m0 import *\nfrom pkg import m1\n"}


def packages(size: int) -> Tree:
    deep = min(size, 100)
    files: dict[str, bytes] = {}
    folder = "p"
    for _ in range(deep):
        files[f"{folder}/__init__.py"] = b"from . import *\nfrom .mod import nap\n"
        files[f"{folder}/mod.py"] = NAP.encode()
        folder += "/p"
    return {**files, "app.py": f"from {'.'.join(['p'] * deep)} import nap\nnap()\n".encode()}


# ----------------------------------------------------------------------------- bytes


def encodings(size: int) -> Tree:
    """Files that are no text, or in another form than their neighbours."""
    body = NAP.encode()
    long = b"# " + b"x" * size + b"\n"
    return {
        "nul.py": body + b"x = '\0'\n",
        "only_nul.py": b"\0" * size,
        "latin.py": body + b"x = '\xe9'\n",
        "cookie.py": b"# -*- coding: latin-1 -*-\n" + body + b"\xe9 = nap('\xe9')\n",
        "wrong_cookie.py": b"# coding: klingon\n" + body,
        "utf16.py": body.decode().encode("utf-16"),
        "crlf.py": body.replace(b"\n", b"\r\n") + b"nap()\r\n",
        "cr.py": body.replace(b"\n", b"\r") + b"nap()\r",
        "mixed.py": body.replace(b"\n\n", b"\r\n\n") + b"nap()",
        "feeds.py": b"\f" + body.replace(b"\n\ndef", b"\n\f\ndef") + b"\f\nnap()\n\f",
        "bom.py": b"\xef\xbb\xbf" + body + b"nap()\n",
        "bom_cookie.py": b"\xef\xbb\xbf# coding: utf-8\r\n" + body,
        "separators.py": body + "x = 'a\u2028b\x0b\x1c\x85c'; nap(x)\n".encode(),
        "wide.py": body + "x = '\U0001f600é'; nap(x) or nap('é')\n".encode(),
        "continued.py": body + b"x = nap(\\\n" + b"\\\n" * 50 + b")\n",
        "tabs.py": body + b"if x := 1:\n\tnap()\n\tif x:\n\t\tnap()\n",
        "long.py": body + long + b"nap()\n",
        "empty.py": b"",
        "one_feed.py": b"\f",
        "no_newline.py": body + b"nap()",
        "cut.py": body + b"def f(:\n",
        "cut_bytes.py": body + "x = 'é".encode()[:-1],
        "surrogate.py": body + b"x = '\\ud800'; nap(x)\n",
        "identifier.py": body + "ﬁ = nap; ﬁ(); fi()\n".encode(),
    }


MAKERS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        terms, calls_in_calls, attributes, call_chain, subscripts, negations, conditionals,
        lambdas, elifs, blocks, functions_in_functions, f_strings, functions, methods,
        one_long_function, one_variable, decorators, decorated, decorator_factory, dispatch,
        wide_tuple, arguments, same_calls, callers, handlers, managers, comprehensions, duplicates,
        cases, strings, global_names, closures, subclasses, inheritance_chain, backward_chain,
        overriding_chain, diamond, protocols, cyclic_bases, stored_attributes, dataclass_fields,
        recursive_partials, recursive_containers, callable_objects, clients, star_chain, name_chain,
        star_cycle, star_ladder, import_cycle, packages, encodings,
    )
}  # fmt: skip
