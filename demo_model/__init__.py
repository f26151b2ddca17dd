"""The embedded offline model: scripted, not an AI; it speaks Anthropic's Messages protocol."""
