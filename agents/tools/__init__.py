"""The agent's own tools: what a model may do, all of it inside the project's own sandbox. Those of servers that its
owner connected come from agents/mcp/.

A tool that fails is an observation for the model, never an end of the run.
"""

from agents.tools.app import ADD_PACKAGES, CHECK_APP
from agents.tools.asking import ASK_USER
from agents.tools.base import Outcome, Tool, Toolbox, ToolFailed
from agents.tools.files import FILE_TOOLS
from agents.tools.finish import FINISH
from agents.tools.others import READ_PROJECT, read_project
from agents.tools.plan import PROPOSE_PLAN
from agents.tools.remember import REMEMBER
from agents.tools.scope import DECLARE_FILES
from agents.tools.terminal import TERMINAL
from projects.models import Message

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (*FILE_TOOLS, DECLARE_FILES, TERMINAL, CHECK_APP, ADD_PACKAGES, REMEMBER, ASK_USER, FINISH)
}
# Ask mode: nothing that writes, and nobody to wait for.
READ_ONLY = {name: tool for name, tool in TOOLS.items() if tool.read_only and tool is not ASK_USER}
PLANNING = {**READ_ONLY, PROPOSE_PLAN.name: PROPOSE_PLAN}
# What a run may do, by its mode; one whose message refers to other projects may look into them as well.
BY_MODE = {"build": TOOLS, "ask": READ_ONLY, "plan": PLANNING}


def tools_of(message: Message) -> dict[str, Tool]:
    """What the run of a message may do."""
    tools = BY_MODE[message.mode]
    return {**tools, READ_PROJECT.name: READ_PROJECT} if message.references else tools


__all__ = [
    "BY_MODE",
    "PLANNING",
    "READ_ONLY",
    "READ_PROJECT",
    "TOOLS",
    "Outcome",
    "Tool",
    "ToolFailed",
    "Toolbox",
    "read_project",
    "tools_of",
]
