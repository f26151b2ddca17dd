"""The one error of the launcher: a sentence for the person at the terminal."""


class Problem(Exception):
    """Something needed is missing or wrong. The text says what, and what to do about it."""
