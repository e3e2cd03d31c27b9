"""The one word with which the fast path declines."""


class Unusual(Exception):
    """The fast path does not know this kind of file well enough to say yes: pyHanko is to be asked.

    It never reaches a user: whoever calls the fast path catches it. `reason` is English, for logs and tests.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
