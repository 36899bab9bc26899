// Runs in the box. Standard input: {"units": {NAME: TEXT}, "ask": [{"unit", "interface", "properties"}]}. Writes the units, reloads once, and
// prints an array of the properties' values as systemd has them, in order. Values come from the bus, where words keep their borders.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const dbus = createRequire(import.meta.url)('dbus-next');
const { units, ask } = JSON.parse(readFileSync(0, 'utf8'));
const directory = '/run/systemd/system';
mkdirSync(directory, { recursive: true });
for (const [name, text] of Object.entries(units)) writeFileSync(`${directory}/${name}`, text);

const bus = dbus.systemBus();
const call = async (path, iface, member, signature = '', body = []) => (await bus.call(new dbus.Message({
  destination: 'org.freedesktop.systemd1', path, interface: iface, member, signature, body,
}))).body[0];
/** Variants undone; bigint as text, which JSON can carry. */
const plain = (value) => {
  if (value instanceof dbus.Variant) return plain(value.value);
  if (Buffer.isBuffer(value)) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'bigint' ? String(value) : value;
};
const pathOf = (name) => `/org/freedesktop/systemd1/unit/${[...Buffer.from(name)].map((byte, i) => {
  const letter = String.fromCharCode(byte);
  return /[A-Za-z]/.test(letter) || (i > 0 && /[0-9]/.test(letter)) ? letter : `_${byte.toString(16).padStart(2, '0')}`;
}).join('')}`;

try {
  await call('/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager', 'Reload');
  const answers = [];
  // The bus refuses more than 128 unanswered calls.
  for (const { unit, interface: iface, properties } of ask) {
    answers.push(await Promise.all(properties.map(async (name) => plain(await call(pathOf(unit), 'org.freedesktop.DBus.Properties', 'Get', 'ss',
      [`org.freedesktop.systemd1.${iface === '' ? 'Unit' : iface}`, name])))));
  }
  process.stdout.write(JSON.stringify(answers));
} finally {
  for (const name of Object.keys(units)) rmSync(`${directory}/${name}`, { force: true });
  await call('/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager', 'Reload');
  bus.disconnect();
}
