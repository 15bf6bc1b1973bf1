"""The report card written down: for a terminal, for machines, for CI, and as a page to show to a colleague.

Each room has one function from a `Card` to text, and does no I/O.
"""
