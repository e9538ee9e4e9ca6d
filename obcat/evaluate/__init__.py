"""The catalog of a simulated survey beside its truth,
and beside the numbers that the paper states.
"""
