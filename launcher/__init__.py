"""Starts, watches and stops the processes Vibe is made of. Imports none of our apps: it must work before they can."""
