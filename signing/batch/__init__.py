"""The fast path of signing: what is the same for a whole batch is made once, and only what changes is read and written.

It says yes to plain documents only and raises `Unusual` for all others, which pyHanko then signs. Nothing here imports
pyHanko, so that a signing process stays small.
"""

from signing.batch.order import Drawing, NewField, Order
from signing.batch.path import FastPath, Opened
from signing.batch.unusual import Unusual

__all__ = ["Drawing", "FastPath", "NewField", "Opened", "Order", "Unusual"]
