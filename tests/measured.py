"""What the kernel ``emission`` gives, in its order."""

EMISSION = (
    "excess",
    "excess_err",
    "ew",
    "significance",
    "chi2_red",
    "chi2_clean",
    "em_flag",
    "erroneous",
)
