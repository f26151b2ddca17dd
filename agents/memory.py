"""What the garbage collector looks at."""

import gc

# Objects made and not freed between two looks, and looks at the youngest between those at the older ones. Python's own
# numbers are for programs without work to do: with them a tenth of a busy worker's time went into looking.
THRESHOLDS = 10_000, 20, 20


def settle() -> None:
    """Called when a process has loaded what it runs on: that stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
