"""The front door: arguments in, exit code out. The only room that wires the others together."""
