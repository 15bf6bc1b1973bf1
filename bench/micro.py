"""x."""


def main(short: bool) -> int:
    """x."""
    return 0
