"""The agent that runs inside each sandbox as its unprivileged user and does all file and process work there.

Standard library only, and only the parts that start fast: the interpreter's start is most of what creating a sandbox
costs
(asyncio 50 ms, json and socket 10 ms, against 7 ms for the bare interpreter). It is hostile code's neighbour under
the same uid, so the
host trusts nothing it says.
"""
