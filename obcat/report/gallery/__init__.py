"""The figures of the paper, each drawn from a catalog."""
