"""`python -m tests.agents.half_read URL COUNT`: asks the model there so often by each protocol, and prints which of the
SDKs' generators a failed call left for the garbage. A process of its own: nothing of other tests is in it.
"""

import contextlib
import gc
import os
import re
import sys
import time
from types import AsyncGeneratorType

import django


def main(url: str, count: int) -> None:
    django.setup()
    from django.conf import settings

    from agents import aio
    from agents.llm import Call, ModelError, chat, messages
    from demo_model import wire

    settings.MODEL_FIRST_SECONDS = settings.MODEL_STALL_SECONDS = 1
    said = [{"role": "user", "content": [wire.text("Hello")]}]
    call = Call("test", "some-model", "Be short.", said, [], "test-key", url, "TEST_KEY")
    gc.collect()
    gc.disable()
    for protocol in (messages, chat):
        for number in range(count):
            with contextlib.suppress(ModelError):
                aio.run(protocol.ask(call, lambda text: None))
            end = time.monotonic() + 3
            while (left := _left()) and time.monotonic() < end:
                time.sleep(0.01)
            print(f"{protocol.__name__} {number}: {' '.join(left)}".rstrip())


def _left() -> list[str]:
    found = [thing for thing in gc.get_objects() if isinstance(thing, AsyncGeneratorType)]
    return [one.__qualname__ for one in found if re.search("/(anthropic|openai)/", one.ag_code.co_filename)]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vibe.settings")
    main(sys.argv[1], int(sys.argv[2]))
