"""The embedded sandbox host: speaks E2B's protocol and holds hostile code with bubblewrap, on one machine."""
