"""Which stars train: decided by a hash of the star's name, never by visit, never by chance (METHOD section 4)."""

from hashlib import md5

__all__ = ["hash_fraction", "is_train"]


def hash_fraction(star_id: str) -> float:
    """The star's own number in [0, 1): the first 32 bits of the MD5 of its name, as ``meta.hash_fraction``."""
    return int(md5(star_id.encode(), usedforsecurity=False).hexdigest()[:8], 16) / 2**32


def is_train(star_id: str, train_fraction: float) -> bool:
    """Whether a star belongs to the training part."""
    return hash_fraction(star_id) < train_fraction
