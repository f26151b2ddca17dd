"""The agent's tools: what a model may do, all of it inside the project's own sandbox.

A tool that fails is an observation for the model, never an end of the run.
"""

from agents.tools.base import Outcome, Tool, Toolbox, ToolFailed
from agents.tools.files import FILE_TOOLS
from agents.tools.finish import FINISH
from agents.tools.terminal import TERMINAL

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (*FILE_TOOLS, TERMINAL, FINISH)}
READ_ONLY = {name: tool for name, tool in TOOLS.items() if tool.read_only}

__all__ = ["READ_ONLY", "TOOLS", "Outcome", "Tool", "ToolFailed", "Toolbox"]
