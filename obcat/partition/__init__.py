"""Partitions: a survey cut into pieces of the sky that plain builds make, and their catalogs as one."""
