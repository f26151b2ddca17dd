"""What the page of components shows: one card of the chat per state, as events carry them, and what may go wrong."""

from typing import Any

DIFF = "--- a/index.html\n+++ b/index.html\n@@ -1,2 +1,2 @@\n <main>\n-  <h1>Tea</h1>\n+  <h1>Coffee</h1>"
FILE = {"path": "index.html", "action": "changed", "added": 1, "removed": 1, "diff": DIFF}
CALL = {"name": "terminal", "title": "Run npm run lint", "summary": "", "input": {"command": "npm run lint"}}
ASKED = '{\n  "query": "opening hours"\n}'
END = {
    "files": {"added": ["a.html"], "changed": ["b.css", "c.js"], "deleted": []},
    "seconds": 12.4,
    "cost": 170_000,
    "cost_text": "0.17 credits",
    "mode": "build",
}
DONE = {**END, "html": "<p>Made the page.</p>", "checks": {"lint": True, "build": True, "page": True}, "version": 3}
NONE: dict[str, list[str]] = {"added": [], "changed": [], "deleted": []}
FAILED = {**END, "state": "failed", "checks": {"lint": False}, "files": NONE, "cost": 0}
ERROR = {
    "title": "The model did not answer",
    "detail": "It was busy. Tried 3 times.",
    "next": "Try again in a minute.",
}
ISSUE = {
    "severity": "high",
    "file": "src/cart.js",
    "line": 12,
    "problem": "The total is not updated when a line is removed.",
    "evidence": "remove() leaves total as it was.",
}
PLAN = {
    "run": "00000000-0000-0000-0000-000000000000",
    "title": "A page for a tea shop",
    "summary": "One page with the menu and the opening hours.",
    "steps": ["Write index.html", "Style it for phones"],
    "files": ["index.html", "style.css"],
    "questions": [{"question": "Which teas?", "answer": ""}],
    "state": "proposed",
}
EARLIER = {"mode": "build", "at": "2026-05-04T12:00:00+00:00"}

# (partial, what it is, its data)
SAMPLES: list[tuple[str, str, dict[str, Any]]] = [
    ("steps/_user_message.html", "A message", {"html": "<p>Make it green</p>", "mode": "build", "message_id": "1"}),
    ("steps/_user_message.html", "A question", {"html": "<p>Where is the colour set?</p>", "mode": "ask"}),
    ("steps/_earlier.html", "A message that was imported", {**EARLIER, "role": "user", "text": "Make it `green`"}),
    ("steps/_earlier.html", "Its answer", {**EARLIER, "role": "assistant", "text": "It is **green** now."}),
    ("steps/_reply.html", "A reply", {"html": "<p>I look at it <code>first</code>.</p>", "cost": 20_000}),
    ("steps/_reply.html", "Interrupted", {"html": "<p>I begin with the</p>", "interrupted": True}),
    ("steps/_tool_call.html", "A call under way", CALL),
    ("steps/_tool_result.html", "Worked", {**CALL, "ok": True, "output": "no problems", "seconds": 1.2}),
    ("steps/_tool_result.html", "Failed", {**CALL, "ok": False, "output": "1 error", "exit_code": 1, "seconds": 0.4}),
    ("steps/_tool_result.html", "An edit", {"name": "edit_file", "title": "Edit", "ok": True, "files": [FILE]}),
    (
        "steps/_tool_result.html",
        "A tool of an MCP server",
        {"name": "mcp__wiki__search", "title": "wiki: search", "ok": True, "asked": ASKED, "output": "2 pages"},
    ),
    ("steps/_check.html", "A check", {"title": "Builds", "ok": True, "seconds": 2.0, "output": ""}),
    ("steps/_check.html", "One that fails", {"title": "Lint", "ok": False, "seconds": 0.8, "output": "index.html 3:1"}),
    ("steps/_review.html", "A review", {"verdict": "approved", "issues": []}),
    ("steps/_review.html", "A review that found something", {"verdict": "issues", "issues": [ISSUE]}),
    ("steps/_plan.html", "A plan", PLAN),
    ("steps/_plan.html", "A plan that was approved", {**PLAN, "state": "approved"}),
    ("steps/_version.html", "A version", {"number": 2, "title": "Edit index.html", "changed": ["index.html"]}),
    ("steps/_error.html", "An error", ERROR),
    ("steps/_complete.html", "Done", {**DONE, "state": "succeeded"}),
    ("steps/_complete.html", "Nothing to do", {**DONE, "version": None, "files": NONE, "state": "succeeded"}),
    ("steps/_complete.html", "Failed", FAILED),
    ("steps/_complete.html", "Stopped by a person", {**FAILED, "state": "cancelled", "checks": {}}),
    ("steps/_complete.html", "Stopped at a limit", {**FAILED, "state": "stopped", "checks": {}}),
]

PAGES_OF_ERRORS = ["400", "403", "404", "429", "500", "503"]
COLOURS = ["bg", "desk", "surface", "sunk", "line", "ink", "ink-2", "ink-3", "volt", "good", "bad", "warn", "info"]
# What a person may meet: title, what happened, the next step.
TROUBLES = [
    ("Not enough credits", "This needs 1 credit and you have 0.4. Tomorrow’s come at midnight UTC.", "See plans"),
    ("The sandbox went away", "Your files are saved. A new one is made from version 3.", "Open it again"),
    ("The model did not answer", "It was busy; tried three times. Nothing was charged.", "Try again"),
    ("You are signed out", "What you typed is kept in its field.", "Sign in again"),
]
