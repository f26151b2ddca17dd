"""Play a follow-up on an existing app."""

from collections.abc import Generator

from demo_model import answers, wire
from demo_model.conversation import Conversation, Result

Plan = Generator[list[wire.Block], list[Result], None]


def plan(talk: Conversation) -> Plan:
    yield [wire.text(answers.ABOUT_ME)]
