"""Partitions: a survey cut into pixels that plain builds make, and their catalogs as one."""
