"""Old name of obcat.simulate, for one release."""

from obcat.old_paths import old_paths

__getattr__ = old_paths(
    "obcat.ingest.simulate",
    "obcat.simulate",
    "LARGEST Recipe UnknownIngredient is_current recipe_of simulate",
)
