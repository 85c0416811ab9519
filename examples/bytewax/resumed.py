"""Totals that outlive the run: with `-r`, a second run goes on where the first one ended."""

from dataclasses import dataclass

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource


@dataclass
class Account:
    """What is kept for each user; it is pickled into the recovery store."""

    total: int = 0
    payments: int = 0


def pay(account: Account | None, amount: int) -> tuple[Account, str]:
    account = account or Account()
    account = Account(account.total + amount, account.payments + 1)
    return account, f"{account.total} by {account.payments}"


PAYMENTS = [
    ("ann", 5),
    ("bob", 7),
    ("ann", 1),
    TestingSource.EOF(),
    ("ann", 4),
    ("bob", 1),
]

flow = Dataflow("resumed")
payments = op.input("payments", flow, TestingSource(PAYMENTS))
accounts = op.stateful_map("accounts", payments, pay)
op.output("out", op.map("text", accounts, lambda kv: f"{kv[0]} {kv[1]}"), StdOutSink())
