"""Measures what the bars of docs/benchmarks.md are about. Nothing here is a test: a clock decides nothing but a table."""
