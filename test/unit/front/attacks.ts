/**
 * Ways in which requests were smuggled past one program or another, in our own words: what is known of request lines, hosts, fields, lengths, codings, chunks, ends and upgrades.
 * A class, and its messages: each is refused, whole.
 */

const host = 'Host: a.example';

function message(fields: string, body = '', line = 'POST / HTTP/1.1'): string {
  return `${line}\r\n${host}\r\n${fields}\r\n\r\n${body}`;
}

function line(text: string): string {
  return `${text}\r\n${host}\r\n\r\n`;
}

function hosted(value: string, target = '/'): string {
  return `GET ${target} HTTP/1.1\r\nHost:${value}\r\n\r\n`;
}

/** A body in chunks. */
function chunks(body: string, fields = ''): string {
  return message(`Transfer-Encoding: chunked${fields}`, body);
}

/** What would be read as a request of its own, and how long it is. */
export const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n';
const empty = '0\r\n\r\n';

export const refused: Readonly<Record<string, readonly string[]>> = {
  'request line': [
    ...['get', 'Get', 'gET', ' GET', '\tGET', 'GET:', 'GET\0', 'G\0ET', 'G\xffT', '"GET"', 'G=":<>(e),[T];?"', '-GET', 'GET,', 'PROXY TCP4 1.1.1.1 1.1.1.1 1 2\r\nGET', '\xef\xbb\xbfGET', '\n\nGET', '\r\n\r\nGET', '\rGET', '\0GET'].map((method) => line(`${method} / HTTP/1.1`)),
    ...['GET', 'GET ', 'GET HTTP/1.1', 'GET  HTTP/1.1', 'GET /', 'GET / ', 'GET  / HTTP/1.1', 'GET /  HTTP/1.1', 'GET\t/ HTTP/1.1', 'GET /\tHTTP/1.1', 'GET\n/ HTTP/1.1', 'GET /\nHTTP/1.1', 'GET /\rHTTP/1.1',
      'GET /\vHTTP/1.1', 'GET\f/ HTTP/1.1', 'GET /\xa0HTTP/1.1', 'GET /a b HTTP/1.1', 'GET /a HTTP/1.1 HTTP/1.1', 'GET / HTTP/1.1 ', 'GET / HTTP/1.1\t', 'GET / HTTP/1.1\0', 'GET / HTTP/1.1\r'].map(line),
    ...['HTTP/1.2', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/2', 'HTTP/3.0', 'HTTP/5.6', 'HTTP/9.9', 'HTTP/1.10', 'HTTP/1.01', 'HTTP/01.1', 'HTTP/11', 'HTTP/111', 'HTTP/1.', 'HTTP/.1', 'HTTP/1', 'HTTP/', 'HTTP/1,1', 'HTTP/+1.1', 'HTTP/-1.1', 'HTTP/1.1x',
      'HTTP/4294967297.1', 'HTTP/1.4294967297', 'HTTP/1.257', 'http/1.1', 'Http/1.1', 'HTTP /1.1', 'HTTP/ 1.1', 'HTTP/1 .1', 'HTTPS/1.1', 'ICE/1.0', 'RTSP/1.0', 'FTP/1.1', 'HTTP/\r\r1.1', '\\HTTP/1.1'].map((version) => line(`GET / ${version}`)),
    ...['admin', 'admin/a', '?q', '*', '*/', '\\', '.', '../', 'a.example', 'a.example:80', '#', '/#', '/a?b#c', '/\x7f', '/\xe9', '/\0', '/\x01', 'http:/', 'http:a.example', 'http:/a.example/', 'http://', 'http:///', 'http://?q', 'http:\\\\a.example/', '://a.example/', 'ftp://a.example/', 'ws://a.example/', 'file:///etc/passwd', 'javascript:x', '@a.example/'].map((target) => line(`GET ${target} HTTP/1.1`)),
    ...['*/test', '**', '*?'].map((target) => line(`OPTIONS ${target} HTTP/1.1`)),
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', line('PRI * HTTP/1.1'), 'HTTP/1.1 200 OK\r\n\r\n', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n\r\n', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', 'SSH-2.0-x\r\n\r\n', 'GET / HTTP/1.1\n\n', 'GET / HTTP/1.1\r\n\n', 'GET / HTTP/1.1\r\nHost: a.example\n\r\n', `GET / HTTP/1.1\r\n${host}\r\n\rZGET /evil: HTTP/1.1\r\n${host}\r\n\r\n`,
  ],
  'host': [
    ...['', ' ', ' a.example, a.example', ' a.example a.example', ' a.example\0', ' a.example\0b', ' a.example/', ' a.example/..', ' a.example?', ' a.example#', ' user@a.example', ' a.example@b', ' a.example\\', ' a.example:80:80', ' a.example:8a', ' a.example:-1', ' a.example:+1', ' a.example: 80', ' a.example :80', ' a.example:123456',
      ' [::1', ' ::1', ' ::1:80', ' [::1%25lo]', ' [::1%lo]', ' [::1]a', ' [v1.x]', ' [a.example]', ' []', ' a..example', ' .a.example', ' a.example..', ' .', ' ..', ' :', ' :80', ' \xe1.example', ' a.ex%61mple', ' a%2eexample', ' a.example%00', ' http://a.example', ' "a.example"', " 'a.example'", ' a.example;b', ' a.example,', ' ,a.example', ' <a.example>', ' *', ' *.example',
      '\ta.example', ' a.example\t', ' a.example ', ' \va.example', ' a.example\v', ' \xa0a.example', ' a.example\x85', ' \xffa.example\xff', ` ${'a'.repeat(300)}`].map((value) => hosted(value)),
    ...[[' a.example', 'http://b.example/'], [' a.example', 'http://a.example:80/'], [' a.example:80', 'http://a.example/'], [' a.example:80', 'http://a.example:81/'], [' a.example', 'http://a.example./'], [' a.example.', 'http://a.example/'], [' a.example', 'http://user@a.example/'], [' a.example', 'http://a.example@b.example/'],
      [' a.example', 'http://a.example:@b.example/'], [' a.example', 'http://a.example\\@b.example/'], [' a.example', 'http://a.example%2eb.example/'], [' a.example', 'http://a.example#/'], [' a.example', 'http://a.example;b/'], [' user@a.example', 'http://user@a.example/'], [' a.example', 'http://%61.example/'], [' a.example', 'http://[a.example]/'], [' a.example', 'http://a.example:/']].map(([value, target]) => hosted(value as string, target)),
    'GET / HTTP/1.1\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n', 'GET http://a.example/ HTTP/1.1\r\n\r\n',
    ...['Host: a.example', 'Host: b.example', 'host: b.example', 'HOST:', 'Ho\0st: b', 'Host : b.example', 'Host\t: b.example', 'Host\x85: b.example', ' Host: b.example', '\tHost: b.example', 'X: y\r\n Host: b.example', 'X: y\rHost: b.example', 'X: y\nHost: b.example', 'Connection: host', 'Connection: close, Host', 'Connection: hOST'].map((field) => message(field, '', 'GET / HTTP/1.1')),
    `GET / HTTP/1.1\r\n ${host}\r\n\r\n`, `GET / HTTP/1.1\r\nX: y\r\n\t${host}\r\n\r\n`, 'GET / HTTP/1.1\r\nHost:\r\n a.example\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n .example\r\n\r\n',
  ],
  'fields': [
    'X: a\0b', 'X: a\rb', 'X: a\nb', 'X: a\x07b', 'X: a\x1bb', 'X: a\x7fb', 'X: a\vb', 'X:\n\nb', 'X: a\r\r', 'X: a\r\n\r', 'X', 'X y', 'X\r\n: y', ':', ': y', ' : y', 'X : y', 'X\t: y', 'X\v: y', 'X\x85: y', 'X\xa0: y', 'X\xad: y', 'X\0: y', 'X Y: z', 'X@: y', 'X(: y', 'X/: y', 'X[]: y', 'X{: y', 'X": y', '\x01X: y', '\xefX: y', '=X: y', ',X: y', 'X;: y',
    'X: y\r\n z', 'X: y\r\n\tz', 'X: y\r\n z: a', 'X:\r\n y', 'X: \r\n \r\n y', 'X: y\r\n \r\nZ: a', 'Te\nst: a', 'Te\r\nst: a', 'Connection\r: close', `X: ${'y'.repeat(17_000)}`, `${'X'.repeat(17_000)}: y`, 'X: y\r\n'.repeat(130) + 'X: y',
  ].map((fields) => message(fields, '', 'GET / HTTP/1.1')),
  'content-length': [
    ...['', ' ', '+1', '-1', '-0', '+0', '0x1', '0x10', '1x', '1Z', '1 ', '1\t', '\t1', '1\t2', '1 2', '1,', ',1', '1,1', '1, 1', '1, 2', '1;1', '1.0', '1.', '.1', '1e1', '1_0', '0_1', "'1'", '"1"', '1\0', '\x001', '1\v', '\v1', '1\f', '1\xa0', '\xa01', '1\x85', '\x851', '\xff1', '\xef\xbc\x91', '\xd9\xa1', '0b1', '0o1', '1L', 'NaN', 'Infinity', 'chunked', 'a',
      '1000000000000000', '9007199254740993', '4294967296000001', '9223372036854775807', '9223372036854775808', '18446744073709551615', '18446744073709551616', '18446744073709551617', '1000000000000000000000', '0000000000000001', `1${'0'.repeat(400)}`].map((value) => message(`Content-Length: ${value}`, 'a')),
    ...['Content-Length: 1\r\nContent-Length: 1', 'Content-Length: 0\r\nContent-Length: 1', 'Content-Length: 1\r\nContent-Length: 0', 'Content-Length: 1\r\ncontent-length: 1', 'Content-Length:\r\nContent-Length: 1', 'Content-Length: 1\r\nContent-Length:', 'Content-Length : 1', 'Content-Length\t: 1', 'Content-Length\0: 1', 'Content-Length\x85: 1', 'Content-Length\xa0: 1', 'Content-Length\xad: 1', 'Content-Length x: 1', 'Content Length: 1', 'Content_Length: 1', 'content_length: 1', 'Content\rLength: 1', 'Content\\Length: 1',
      'Content-Length 1', ' Content-Length: 1', 'X: y\r\n Content-Length: 1', 'X: y\rContent-Length: 1', 'X: y\nContent-Length: 1', 'X:\nContent-Length: 1', 'Content-Length:\r\n 1', 'Content-Length: \r\n 1', 'Content-Length: 1\r\n 0', 'Content-Length: 1\r\n\t', 'Content-\r\nLength: 1', 'Connection: Content-Length\r\nContent-Length: 1', 'Connection: content_length\r\nContent-Length: 1', 'Connection: close,content-length', 'Content-Length: 1\r\nContent_Length: 1'].map((fields) => message(fields, 'a')),
  ],
  'transfer-encoding': [
    ...['', ' ', ',', ',chunked', 'chunked,', 'chunked,chunked', 'chunked, chunked', ', chunked', 'chunked ,', 'identity', 'identity, chunked', 'chunked, identity', 'gzip, chunked', 'chunked, gzip', 'gzip', 'deflate', 'x', 'xchunked', 'chunkedx', 'chunkedchunked', 'chunk', 'chunke', 'chunked;', 'chunked; q=1', 'chunked;a=b', 'chunked;q=0', '"chunked"', "'chunked'", '(chunked)', 'chunked()', 'chunked x', 'x chunked y', 'cow chunked bar',
      '\tchunked', 'chunked\t', 'chunked ', 'chunked  ', ' \tchunked', '\vchunked', 'chunked\v', '\fchunked', '\0chunked', 'chunked\0', '\xa0chunked', 'chunked\xa0', '\x85chunked', '\xffchunked\xff', 'ch\x96nked', 'c\u0068unked\x00', 'chunked\r', '\rchunked', '\nchunked', '\n chunked', '\r\n chunked', '\r\n\tchunked', '\r\n \r\n chunked', 'chunked\r\n ', 'chunked\r\n x', '=?utf-8?q?chunked?=', '=?iso-8859-1?B?Y2h1bmtlZA==?=', '%63hunked', '\xe2\x84\xaachunked', 'trailers', '1'].map((value) => message(`Transfer-Encoding: ${value}`, empty)),
    ...['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked', 'Transfer-Encoding:\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nTransfer-Encoding:', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: x', 'transfer-encoding: chunked\r\nTRANSFER-ENCODING: chunked', 'Transfer-Encoding : chunked', 'Transfer-Encoding\t: chunked', 'Transfer-Encoding\0: chunked', 'Transfer-Encoding\x85: chunked',
      'Transfer-Encoding x: chunked', 'Transfer Encoding: chunked', 'Transfer Encoding:chunked', 'Transfer_Encoding: chunked', 'TRANSFER_ENCODING: x', 'Transfer\\Encoding: chunked', 'Transfer\r-Encoding: chunked', 'Transf\x82r-Encoding: chunked', 'Transfer\xadEncoding: chunked', ' Transfer-Encoding: chunked', '\tTransfer-Encoding: chunked', 'X: y\r\n Transfer-Encoding: chunked', 'X: y\rTransfer-Encoding: chunked', 'X: y\nTransfer-Encoding: chunked', 'X:\rTransfer-Encoding: chunked', 'X: y\r\n\rTransfer-Encoding: chunked', 'Transfer-\r\nEncoding: chunked', 'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked', 'Connection: transfer_encoding\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nTransfer_Encoding: chunked',
      'Content-Length: 5\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nContent-Length: 5', 'Transfer-Encoding: chunked\r\nContent-Length: 0', 'Content-Length: 5\r\nTransfer-Encoding: identity', 'Content-Length: 5\r\nTransfer-Encoding: ,chunked', 'Content-Length: 5\r\nTransfer-Encoding: xchunked', 'Content-Length: 5\r\nTransfer-Encoding:', 'Content-Length: 5\r\nTransfer-Encoding:\vchunked', 'Content-Length: 5\r\nTransfer_Encoding: chunked'].map((fields) => message(fields, empty)),
    message('Transfer-Encoding: chunked', empty, 'POST / HTTP/1.0'), message('Transfer-Encoding: chunked\r\nConnection: keep-alive', empty, 'POST / HTTP/1.0'), message('Transfer-Encoding: identity', '', 'GET / HTTP/1.0'),
  ],
  'chunks': [
    ...['', ' ', '+1', '-1', '-0', '+0', '0x1', '0X1', '1x', 'x', 'g', '1g', '0_1', '1_0', '_1', ' 1', '\t1', '1 ', '1\t', '1 ;a', '1\v', '1\0', '\x001', '1\xa0', '\x851', '1\r', '1\r\r', '1\r;a', '1\n', '1\n;a', '1,', '1.0', "'1'", '"1"', '\xef\xbc\x91', '1#', '1:', '00000000000001', '80000000000000', 'ffffffffffffffff', '10000000000000001', 'FFFFFFFFFFFFFFFFF', '1these bytes'].map((size) => chunks(`${size}\r\na\r\n${empty}`)),
    ...[';', ';;', '; a', ';a ', ';\ta', ';a =b', ';a= b', ';a=', ';=b', ';a=b c', ';a="b', ';a="b"c', ';a="b\r\n"', ';a="b\\', ';a="\n"', ';a="\0"', ';a=b\rc', ';a\r\r', ';a\n', ';\r', ';\n', ';a\0', ';a=(b)', ';a=b,c', ' a', ' erfrferferf', `;a=${'b'.repeat(5_000)}`].map((extension) => chunks(`1${extension}\r\na\r\n${empty}`)),
    ...['1\r\na0\r\n\r\n', '1\r\na\n0\r\n\r\n', '1\r\na\r0\r\n\r\n', '1\r\naXX0\r\n\r\n', '1\r\na\r\n\r\n0\r\n\r\n', '1\r\na \r\n0\r\n\r\n', '1\r\nab\r\n0\r\n\r\n', '1\na\r\n0\r\n\r\n', '1\ra\r\n0\r\n\r\n', '1\r\na\r\n0\n\n', '1\r\na\r\n0\r\n\n', '1\r\na\r\n0\n\r\n', '1\r\na\r\n0\rX\r\n\r\n', '1\r\na\r\n0\r\nXX\r\n\r\n', '1\r\na\r\n0\r\n\rX', `17\r\n0\r\n\r\n${smuggled}`, `INVALID!\r\n${smuggled}`, `5\r\r;ABCD\r\n34\r\nE\r\n${empty}`, `0_2e\r\n\r\n${smuggled}`, '2\r\r;a\r\n02\r\n41\r\n0\r\n\r\n',
      `1\r\nZ\r\nQ\r\n\r\n`].map((body) => chunks(body)),
  ],
  'trailers': [
    'Content-Length: 1', 'content-length: 1', 'Content_Length: 1', 'Transfer-Encoding: chunked', 'Transfer_Encoding: x', 'Host: b.example', 'Connection: close', 'Connection: keep-alive', 'Keep-Alive: 1', 'Upgrade: h2c', 'Expect: 100-continue', 'TE: x', 'Trailer: x', 'Proxy: x', 'Proxy-Connection: x', 'Forwarded: for=1.1.1.1', 'X-Forwarded-For: 1.1.1.1', 'X_Forwarded_For: 1.1.1.1', 'X-Forwarded-Host: b', 'X-Forwarded-User: admin', 'X-Real-IP: 1.1.1.1',
    'X', ' X: y', '\tX: y', ': y', 'X : y', 'X: y\r\n z', 'X: a\0b', 'X: a\rb', 'X: a\nb', 'X\n: y', 'X: y\n', '\rX: y', 'X\x85: y', `X: ${'y'.repeat(9_000)}`, `${'X'.repeat(9_000)}: y`, `${'X: y\r\n'.repeat(130)}X: y`,
  ].map((trailer) => chunks(`1\r\na\r\n0\r\n${trailer}\r\n\r\n`)),
  'expect': ['', ' ', '100', '100-continu', '100-continue, 100-continue', '100-continue;x', 'y 100-continue', '100-continue y', '200-ok', '\t', 'x', '"100-continue"', '100-continue\x85'].map((value) => message(`Expect: ${value}\r\nContent-Length: 1`, 'a')).concat(
    message('Expect: 100-continue\r\nExpect: x\r\nContent-Length: 1', 'a'), message('Expect: x\r\nExpect: 100-continue', '')),
  'connect': [
    ...['/', '*', 'a.example', 'a.example:', 'a.example:0', 'a.example:65536', 'a.example:080a', 'a.example:80/', 'a.example:80?', 'http://a.example:80', 'user@a.example:80', '[::1]', ':80', 'a.example:80:80', 'b.example:80'].map((target) => `CONNECT ${target} HTTP/1.1\r\nHost: a.example:80\r\n\r\n`),
    'CONNECT a.example:80 HTTP/1.1\r\nHost: a.example\r\n\r\n', 'CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\nContent-Length: 1\r\n\r\na', 'CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'CONNECT a.example:80 HTTP/1.0\r\nHost: a.example:80\r\n\r\n', `CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n${smuggled}`,
  ],
};

/** What is read by all alike, however odd; each with what its program gets: method, target and body. */
export const accepted: readonly (readonly [name: string, bytes: string, requests: readonly string[]])[] = [
  ['a length with zeros before it', message('Content-Length: 0000003', 'abc'), ['POST / abc']],
  ['spaces before a length', message('Content-Length:   3', 'abc'), ['POST / abc']],
  ['spaces before a coding', message('Transfer-Encoding:  chunked', `3\r\nabc\r\n${empty}`), ['POST / abc']],
  ['a coding in capitals', message('TRANSFER-ENCODING: cHuNkEd', `3\r\nabc\r\n${empty}`), ['POST / abc']],
  ['sizes in all forms that are', chunks('0000000000003;a;b=c;d="e;\\"f\t "\r\nabc\r\nA\r\n0123456789\r\n000\r\nX-Sum: 1\r\n\r\n'), ['POST / abc0123456789']],
  ['a body that looks like a request', message(`Content-Length: ${smuggled.length}`, smuggled), [`POST / ${smuggled}`]],
  ['a chunk that looks like an end and a request', chunks(`${(empty + smuggled).length.toString(16)}\r\n${empty}${smuggled}\r\n${empty}`), [`POST / ${empty}${smuggled}`]],
  ['a GET with a body that looks like a request', message(`Content-Length: ${smuggled.length}`, `${smuggled}${line('GET /next HTTP/1.1')}`, 'GET / HTTP/1.1'), [`GET / ${smuggled}`, 'GET /next ']],
  ['no length: what follows is a request', `${message('X: y')}${smuggled}`, ['POST / ', 'GET /smuggled ']],
  ['a length of 0', `${message('Content-Length: 0')}${smuggled}`, ['POST / ', 'GET /smuggled ']],
  ['the whole of a URL', line('GET HTTP://A.EXAMPLE?x=/ HTTP/1.1'), ['GET /?x=/ ']],
  ['HTTPS in a URL', line('GET https://a.example HTTP/1.1'), ['GET / ']],
  ['a host with port, capitals and a last dot', 'GET / HTTP/1.1\r\nhOST: A.Example.:8080\r\n\r\n', ['GET / ']],
  ['a host with a port that is not named', 'GET / HTTP/1.1\r\nHost: a.example:\r\n\r\n', ['GET / ']],
  ['a trailer that looks like a request', chunks(`0\r\nX:${smuggled.replace('\r\nHost', '\r\nX-Site')}`), ['POST / ']],
  ['an empty line before', `\r\n${smuggled}`, ['GET /smuggled ']],
  ['a method with a dash', line('M-SEARCH / HTTP/1.1'), ['M-SEARCH / ']],
  ['a target of signs', line('GET //..;/%2e%2e/%00/\\a|b?"<>^`{}[]\'HTTP/1.1 HTTP/1.1'), ['GET //..;/%2e%2e/%00/\\a|b?"<>^`{}[]\'HTTP/1.1 ']],
  ['OPTIONS of everything', line('OPTIONS * HTTP/1.1'), ['OPTIONS * ']],
  ['behind `Connection: close` nothing is read', message('Connection: close') + smuggled, ['POST / ']],
  ['behind `close` among others nothing is read', message('Connection: x, keep-alive, ClOsE ,') + smuggled, ['POST / ']],
  ['behind HTTP/1.0 nothing is read, whatever it says of the connection', message('Connection: keep-alive', smuggled, 'GET / HTTP/1.0'), ['GET / ']],
  ['behind an upgrade that is not taken nothing is read', message('Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk', smuggled, 'GET / HTTP/1.1'), ['GET / ']],
  ['a body that ends too soon is no request', message('Content-Length: 4', 'abc'), []],
  ['chunks that end too soon are no request', chunks('5\r\nabc'), []],
  ['chunks without their last are no request', chunks('3\r\nabc\r\n'), []],
  ['chunks without the last line are no request', chunks(`3\r\nabc\r\n0\r\n`), []],
  ['trailers that end too soon are no request', chunks(`3\r\nabc\r\n0\r\nX: y\r\n`), []],
  ['a head that ends too soon is no request', `GET / HTTP/1.1\r\n${host}\r\n`, []],
];

function answer(fields: string, body = 'abc', status = 'HTTP/1.1 200 OK'): string {
  return `${status}\r\n${fields}\r\n\r\n${body}`;
}

/** What comes behind an answer, and must reach nobody. */
export const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';

/** What hostile sites answer, to have it read otherwise by whoever shares a connection: is no answer. */
export const refusedAnswers: Readonly<Record<string, readonly string[]>> = {
  'status line': [
    ...['HTTP/1.2 200 OK', 'HTTP/2 200', 'HTTP/2.0 200 OK', 'HTTP/0.9 200 OK', 'HTTP/1.10 200 OK', 'HTTP/11 200 OK', 'http/1.1 200 OK', 'HTTP/1.1  200 OK', 'HTTP/1.1\t200 OK', 'HTTP/1.1 20 OK', 'HTTP/1.1 2000 OK', 'HTTP/1.1 +20 OK', 'HTTP/1.1 -20 OK', 'HTTP/1.1 2 0 OK', 'HTTP/1.1 0x1 OK', 'HTTP/1.1 099 OK', 'HTTP/1.1 000 OK', 'HTTP/1.1 2x0 OK', 'HTTP/1.1 200OK', 'HTTP/1.1 200\tOK', 'HTTP/1.1200 OK', 'HTTP/1.1 OK', 'HTTP/1.1 ', 'HTTP/1.1', 'ICY 200 OK', 'RTSP/1.0 200 OK', '200 OK',
      '\r\nHTTP/1.1 200 OK', '\nHTTP/1.1 200 OK', ' HTTP/1.1 200 OK', '\0HTTP/1.1 200 OK', 'HTTP/1.1 200 O\0K', 'HTTP/1.1 200 O\rK', 'HTTP/1.1 200 O\nK', 'HTTP/1.1 200 \x1b[2J', 'HTTP/1.1 200 \x07', 'HTTP/1.1 200 \x7f', 'HTTP/1.1 200 OK\r', 'HTTP/1.0 100 Continue', 'HTTP/1.0 103 Early', 'HTTP/1.1 101 Switching', 'HTTP/1.0 101 Switching'].map((status) => answer('Content-Length: 3', 'abc', status)),
    'HTTP/1.1 200 OK\nContent-Length: 3\n\nabc', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\nabc', 'abc', '<html>\r\n\r\n', answer('Upgrade: websocket\r\nConnection: upgrade', '', 'HTTP/1.1 101 x'), answer('Upgrade: h2c\r\nConnection: upgrade', '', 'HTTP/1.1 101 x'),
  ],
  'fields': ['X: a\0b', 'X: a\rb', 'X: a\nb', 'X: \x1b[31m', 'X: a\x7f', 'X : y', 'X\t: y', ' X: y', '\tX: y', 'X: y\r\n z', 'X:\r\n y', 'X', ': y', 'X\x85: y', 'X\0: y', 'Set-Cookie: a=b\r\n c', 'Set-Cookie: a\rSet-Cookie: b', `X: ${'y'.repeat(17_000)}`, `${'X: y\r\n'.repeat(130)}X: y`, 'Connection: content-length', 'Connection: close, Content-Length', 'Connection: transfer_encoding', `Connection: ${'a,'.repeat(200)}`].map((fields) => answer(`Content-Length: 3\r\n${fields}`)),
  'length': [
    ...['', '+3', '-3', '0x3', '3x', '3,', '3, 3', '3,4', '3 3', '3.0', '3e0', '3\t', '\t3', '"3"', '3\x0b', '3\xa0', '1000000000000000', '18446744073709551619', '99999999999999999999'].map((value) => answer(`Content-Length: ${value}`)),
    ...['Content-Length: 3\r\nContent-Length: 3', 'Content-Length: 3\r\nContent-Length: 0', 'Content-Length : 3', 'Content_Length: 3', 'Content-Length: 3\r\nContent.Length: 0', 'Content-Length: 3\r\nTransfer-Encoding: identity', 'Content-Length:\r\n 3'].map((fields) => answer(fields)),
  ],
  'coding': [
    ...['', ',chunked', 'chunked,', 'chunked, chunked', 'gzip, chunked', 'chunked, gzip', 'gzip', 'identity', 'x', 'xchunked', 'chunked;q=1', '"chunked"', '\tchunked', 'chunked\t', '\vchunked', 'chunked\xa0', '\r\n chunked'].map((value) => answer(`Transfer-Encoding: ${value}`, `3\r\nabc\r\n${empty}`)),
    ...['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', 'Transfer-Encoding : chunked', 'Transfer_Encoding: chunked', 'Transfer-Encoding: chunked\r\nContent-Length: 3', 'Content-Length: 13\r\nTransfer-Encoding: chunked'].map((fields) => answer(fields, `3\r\nabc\r\n${empty}`)),
    answer('Transfer-Encoding: chunked', `3\r\nabc\r\n${empty}`, 'HTTP/1.0 200 OK'),
  ],
  'chunks': ['', ' ', '+3', '-3', '0x3', '3 ', ' 3', '3\r', '3\n', '3_0', '3;', '3; a', '3;a="', '3;a\n', '3;a\r\r', 'g', '00000000000003'].map((size) => answer('Transfer-Encoding: chunked', `${size}\r\nabc\r\n${empty}`))
    .concat(['3\r\nabcd\r\n0\r\n\r\n', '3\r\nabc\n0\r\n\r\n', '3\r\nabc0\r\n\r\n', '3\nabc\r\n0\r\n\r\n', '3\r\nabc\r\n0\r\nContent-Length: 0\r\n\r\n', '3\r\nabc\r\n0\r\nTransfer-Encoding: x\r\n\r\n', '3\r\nabc\r\n0\r\nX: y\n\r\n', '3\r\nabc\r\n0\r\n X: y\r\n\r\n', '3\r\nabc\r\n0\r\nX: a\0\r\n\r\n', `3\r\nabc\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n`].map((body) => answer('Transfer-Encoding: chunked', body))),
};

/** Answers that are read by all alike, and what the client gets of them: statuses and the body. */
export const acceptedAnswers: readonly (readonly [name: string, method: string, bytes: string, gets: string])[] = [
  ['more than the length', 'GET', answer('Content-Length: 3') + evil, '200 abc'],
  ['more than the chunks', 'GET', answer('Transfer-Encoding: chunked', `3\r\nabc\r\n${empty}`) + evil, '200 abc'],
  ['a space behind the length', 'GET', answer('Content-Length: 3 ') + evil, '200 abc'],
  ['a space behind the coding', 'GET', answer('Transfer-Encoding: chunked ', `3\r\nabc\r\n${empty}`) + evil, '200 abc'],
  ['no length and no body', 'GET', answer('Content-Length: 0', '') + evil, '200 '],
  ['204 with a body', 'GET', answer('Content-Length: 3', 'abc', 'HTTP/1.1 204 No') + evil, '204 '],
  ['204 in chunks', 'GET', answer('Transfer-Encoding: chunked', `3\r\nabc\r\n${empty}`, 'HTTP/1.1 204 No') + evil, '204 '],
  ['304 with a body', 'GET', answer('Content-Length: 3', 'abc', 'HTTP/1.1 304 No') + evil, '304 '],
  ['304 in chunks', 'GET', answer('Transfer-Encoding: chunked', `3\r\nabc\r\n${empty}`, 'HTTP/1.1 304 No') + evil, '304 '],
  ['HEAD with a body', 'HEAD', answer('Content-Length: 3') + evil, '200 '],
  ['HEAD in chunks', 'HEAD', answer('Transfer-Encoding: chunked', `3\r\nabc\r\n${empty}`) + evil, '200 '],
  ['205 with a length', 'GET', answer('Content-Length: 3', 'abc', 'HTTP/1.1 205 Reset') + evil, '205 abc'],
  ['1xx with lengths', 'GET', answer('Content-Length: 4', '', 'HTTP/1.1 103 Hints') + answer('Transfer-Encoding: chunked', '', 'HTTP/1.1 102 x') + answer('Content-Length: 3') + evil, '103 102 200 abc'],
  ['1xx that says it is the end', 'GET', answer('Connection: close', '', 'HTTP/1.1 100 Continue') + answer('Content-Length: 3') + evil, '100 200 abc'],
  ['a 2xx that nobody knows', 'GET', answer('Content-Length: 3', 'abc', 'HTTP/1.1 299') + evil, '299 abc'],
  ['a status beyond all', 'GET', answer('Content-Length: 3', 'abc', 'HTTP/1.1 999 \xff') + evil, '999 abc'],
  ['an upgrade that is only spoken of', 'GET', answer('Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 3') + evil, '200 abc'],
  ['cookies that are for one hop', 'GET', answer('Connection: Set-Cookie\r\nSet-Cookie: a=b\r\nContent-Length: 3') + evil, '200 abc'],
  ['HTTP/1.0 that stays', 'GET', answer('Connection: keep-alive\r\nContent-Length: 3', 'abc', 'HTTP/1.0 200 OK') + evil, '200 abc'],
  ['the end, and more', 'GET', answer('Connection: close\r\nContent-Length: 3') + evil, '200 abc'],
];
