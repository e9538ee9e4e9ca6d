"""What em_flag was set by: significance against its threshold."""

import duckdb

from obcat.explain.arrays import model_arrays

__all__ = ["em_reason"]

LINE = "SELECT halpha_significance, em_flag, erroneous FROM emission.lines WHERE specid = $specid"


def em_reason(con: duckdb.DuckDBPyConnection, specid: str) -> str:
    """One line: why em_flag and erroneous are what they are."""
    rows = con.execute(LINE, {"specid": specid}).fetchall()
    calibration = model_arrays(con, "pca", "excess_calibration").get("excess_calibration")
    if not rows or rows[0][0] is None or calibration is None or not calibration.size:
        return "em_flag is unknown: no estimate from the spectrum, or too few stars to set a threshold"
    significance, em_flag, erroneous = rows[0]
    sign = ">" if significance > calibration[3] else "<="
    flags = f"em_flag = {em_flag}: halpha_significance {significance:.2f} {sign} threshold {calibration[3]:.2f}"
    moved = " but the residuals beside the line cancel it (a moved line)" if sign == ">" and not em_flag else ""
    large = "; erroneous: a chi square above the one allowed, without emission" if erroneous else ""
    return f"{flags}{moved}{large}"
