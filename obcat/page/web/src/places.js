// Positions on the sky as text: degrees or hours, and back.
const LETTERS = /^[\d\s:.,+\-−hmsd°'"′″]+$/i;
const PACKED = /^(?:lamost\s*)?j?(\d{2})(\d{2})(\d{2}(?:\.\d+)?)([+\-−])(\d{2})(\d{2})(\d{2}(?:\.\d+)?)$/i;
const NUMBER = /[+\-−]?\d+(?:\.\d*)?/g;

// [ra, dec] in degrees of "92.954 22.826", "06:11:49 +22:49:33", "6h11m49s 22d49m33s" or "J061149.0+224933"; else null
export function positionOf(text) {
  const packed = text.trim().match(PACKED);
  if (packed) return placed(packed.slice(1, 4), [packed[4] + packed[5], ...packed.slice(6)], true);
  if (!LETTERS.test(text)) return null;
  const numbers = text.match(NUMBER) ?? [];
  const half = numbers.length / 2;
  if (![1, 2, 3].includes(half)) return null;
  const unit = text.trim().match(/^[+\d.\s]*([hd°:])?/i)[1];
  const hours = unit ? !/[d°]/i.test(unit) : half > 1;
  return placed(numbers.slice(0, half), numbers.slice(half), hours);
}

function placed(first, second, hours) {
  const [ra, dec] = [angle(first), angle(second)];
  const degrees = hours ? 15 * ra : ra;
  return degrees >= 0 && degrees <= 360 && Math.abs(dec) <= 90 ? [degrees, dec] : null;
}

// "-00", "10", "30" is negative; NaN where minutes or seconds are none
function angle(parts) {
  const [whole, ...rest] = parts.map((part) => Number(part.replace(/[+\-−]/, "")));
  if (rest.some((value, i) => value >= 60 || /[+\-−]/.test(parts[i + 1]))) return NaN;
  const size = rest.reduce((sum, value, i) => sum + value / 60 ** (i + 1), whole);
  return /^[-−]/.test(parts[0]) ? -size : size;
}

export const hms = (degrees) => sexagesimal((((degrees % 360) + 360) % 360) / 15, 2, 24);
export const dms = (degrees) => `${degrees < 0 ? "-" : "+"}${sexagesimal(Math.abs(degrees), 1)}`;

// rounded once, in the last digit, so that no second is 60
function sexagesimal(value, digits, end = Infinity) {
  const unit = 10 ** digits;
  const whole = Math.round(value * 3600 * unit) % (end * 3600 * unit);
  const two = (n) => String(n).padStart(2, "0");
  const seconds = (whole % (60 * unit)) / unit;
  return `${two(Math.floor(whole / (3600 * unit)))}:${two(Math.floor(whole / (60 * unit)) % 60)}:${seconds.toFixed(digits).padStart(3 + digits, "0")}`;
}
