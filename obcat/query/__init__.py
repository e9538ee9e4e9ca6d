"""Query: ad-hoc SQL on a catalog, read-only and within limits, and the formats of its answers."""
