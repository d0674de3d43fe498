import os
import sqlite3
import tempfile

PATH = os.path.join(tempfile.mkdtemp(), "news.sqlite")


class Store:
    def __init__(self):
        self.db = sqlite3.connect(PATH)
        self.db.execute("create table if not exists news (number integer, path text)")

    def add(self, number, path):
        self.db.execute("insert into news values (?, ?)", (number, path))

    def commit(self):
        self.db.commit()

    def close(self):
        self.db.close()


def stored():
    with sqlite3.connect(PATH) as db:
        return db.execute("select * from news order by number").fetchall()
