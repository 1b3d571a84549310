"""Thinking: who waits for whom, what differs, what follows from it, and walking a plan. Knows no kind by name."""
