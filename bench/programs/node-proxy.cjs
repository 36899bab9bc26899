// A proxy of one of the packages that people use in Node, with its connections kept as they recommend: node-proxy.cjs CHECKOUT PACKAGE TARGET PORT
const { createRequire } = require('node:module');
const { Agent, createServer } = require('node:http');

const [, , checkout, name, target, port] = process.argv;
const load = createRequire(`${checkout}/package.json`);
async function main() {
  const { createProxyServer } = name === 'http-proxy' ? load(name) : await import(load.resolve(name));
  const proxy = createProxyServer({ target: `http://127.0.0.1:${target}`, agent: new Agent({ keepAlive: true }), xfwd: true });
  proxy.on('error', () => {});
  createServer((request, response) => proxy.web(request, response)).listen(Number(port), '127.0.0.1');
}
main();
