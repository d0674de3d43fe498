import asyncio
import unittest

from bank import accounts
from bank.client import Client

client = Client("of the module")


class Isolated(unittest.IsolatedAsyncioTestCase):
    async def test_one(self):
        self.assertEqual(await asyncio.to_thread(accounts.total, client, ("a", "b")), 22)

    async def test_two(self):
        both = (asyncio.to_thread(accounts.total, client, (name,)) for name in ("a", "bb"))
        self.assertEqual(await asyncio.gather(*both), [11, 12])

    def test_without_a_loop(self):
        self.assertEqual(accounts.richest(client, ("a", "bb")), "bb")

    @classmethod
    def tearDownClass(cls):
        client.close()
