"""Real stars known by their own spectra, and the Be stars of the template library."""

BE_STAR = "spec-59636-HD071013S041413V01_sp02-001"
LATE_B = (
    "spec-59636-HD071013S041413V01_sp02-180",
    "spec-59551-HD054322N291200V02_sp06-220",
    "spec-59617-TD062610N184524H01_sp07-105",
    "spec-59636-TD062610N184524H01_sp05-063",
    "spec-59607-TD064253N231249K01_sp03-186",
    "spec-55939-GAC_061N46_V3_sp07-078",
    "spec-59551-HD054322N291200V02_sp02-009",
)
NEBULAR = (
    "spec-59647-GAC089S00B2_sp03-191",
    "spec-59647-GAC089S00B2_sp05-175",
    "spec-59523-GACII337N54M1_sp05-216",
)
BE_TEMPLATES = frozenset(
    {"5394", "25940", "58343", "109387", "164284", "202904", "209409"}
)  # Henry Draper numbers
