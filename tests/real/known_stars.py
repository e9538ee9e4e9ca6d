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

# Henry Draper number -> group and M_Ks of the template of that star. By type, from calibrations as remembered, good to
# 0.5 mag: O Martins et al. (2005), supergiants Humphreys & McElroy (1984), the others Schmidt-Kaler (1982) and
# Pecaut & Mamajek (2013) averaged, with their intrinsic V - Ks.
O_AND_LUMINOUS = {
    "167771": -4.6, "188001": -5.5, "30614": -5.8,
    "185859": -6.1, "187459": -5.3, "41117": -6.7, "51309": -4.8, "175156": -4.3, "191243": -4.8, "208501": -5.5,
    "12953": -7.9, "39866": -3.1, "14489": -7.5, "223385": -8.4,
}  # fmt: skip
B_STARS = {
    "5394": -3.6, "212571": -2.4, "175426": -1.3, "187811": -1.3, "35468": -2.6, "176819": -1.9, "164284": -1.5,
    "202904": -1.5, "58343": -1.5, "29763": -0.9, "25940": -0.9, "209419": -1.7, "173087": -0.7, "109387": -1.6,
    "174959": -1.0, "209409": -0.7, "220575": -0.9, "171301": -0.4, "15318": 0.0, "177756": 0.6,
}  # fmt: skip
