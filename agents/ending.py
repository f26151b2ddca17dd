"""How a run ends, as the exception that ends it."""


class Ending(Exception):
    """The state, the reason for programs, what a person is told, and what is believed to be the cause."""

    def __init__(
        self, state: str, reason: str = "", title: str = "", detail: str = "", next: str = "", cause: str = ""
    ) -> None:
        super().__init__(detail or state)
        self.state, self.reason, self.title, self.detail, self.next = state, reason, title, detail, next
        self.cause = cause
