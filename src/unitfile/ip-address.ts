/** The canonical form of an IPv4 address in dotted notation, or null. Leading zeros are refused: they were octal once. */
export function parseIpv4(text: string): string | null {
  const parts = text.length > 15 ? [] : text.split('.');
  const fits = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return fits ? text : null;
}

/** The canonical form (RFC 5952) of an IPv6 address without zone, or null. */
export function parseIpv6(text: string): string | null {
  if (text.length > 45 || !text.includes(':')) return null;
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const left = groups(halves[0] as string, halves.length === 1);
  const right = halves.length === 2 ? groups(halves[1] as string, true) : [];
  if (left === null || right === null) return null;
  const missing = 8 - left.length - right.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  return format([...left, ...Array.from({ length: missing }, () => 0), ...right]);
}

function groups(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const out: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const v4 = parseIpv4(part);
      if (v4 === null) return null;
      const [a, b, c, d] = v4.split('.').map(Number) as [number, number, number, number];
      out.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      out.push(Number.parseInt(part, 16));
    } else {
      return null;
    }
  }
  return out;
}

/** The longest run of two or more zero groups, the first of equals, becomes `::`. */
function format(numbers: readonly number[]): string {
  let [from, length] = [0, 1];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && numbers[end] === 0) end++;
    if (end - i > length) [from, length] = [i, end - i];
  }
  const hex = numbers.map((number) => number.toString(16));
  return length < 2 ? hex.join(':') : `${hex.slice(0, from).join(':')}::${hex.slice(from + length).join(':')}`;
}
