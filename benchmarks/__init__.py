"""Every figure we claim, as a command: `bin/manage benchmark`."""
