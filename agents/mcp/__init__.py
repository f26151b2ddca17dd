"""MCP servers that people connect: their tools are tools of the agent in the projects where they switch them on."""
