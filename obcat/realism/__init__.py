"""Realism: are simulated spectra as noisy,
as badly calibrated and as full of holes as real ones?
"""
