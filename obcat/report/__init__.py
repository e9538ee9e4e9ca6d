"""Figures and pages made from the catalog."""
