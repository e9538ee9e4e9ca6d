"""Real stars beside the models of a build: templates of known type, spectra of LAMOST, repeat
visits.
"""
