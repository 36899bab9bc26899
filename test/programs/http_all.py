"""http_all.py [PORT] [PATH]: an HTTP/1.1 server with what browsers use: pages, uploads, downloads, an event stream, a WebSocket that echoes. Listens only once PATH exists."""
import base64, hashlib, http.server, json, os, socketserver, sys, time

STARTED = f'{time.time_ns()}'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def answer(self, body, kind='application/json'):
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == '/events':
            return self.events()
        if self.path == '/ws':
            return self.websocket()
        if self.path.startswith('/big/'):
            return self.answer(bytes(range(256)) * (int(self.path[5:]) // 256), 'application/octet-stream')
        if self.path == '/page':
            with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'page.html'), 'rb') as page:
                return self.answer(page.read(), 'text/html; charset=utf-8')
        if self.path.startswith('/image/'):
            return self.answer(b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>', 'image/svg+xml')
        self.answer(json.dumps({'start': STARTED, 'path': self.path, 'headers': dict(self.headers)}).encode())

    def do_POST(self):
        digest = hashlib.sha256()
        for piece in self.body():
            digest.update(piece)
        self.answer(json.dumps({'sha256': digest.hexdigest()}).encode())

    def body(self):
        if 'chunked' not in self.headers.get('Transfer-Encoding', ''):
            left = int(self.headers.get('Content-Length', 0))
            while left > 0:
                piece = self.rfile.read(min(left, 65536))
                left -= len(piece)
                yield piece
            return
        while size := int(self.rfile.readline().split(b';')[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline() != b'\r\n':
            pass

    def events(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream')
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        for number in range(3):
            event = f'data: {number}\n\n'.encode()
            self.wfile.write(b'%x\r\n%s\r\n' % (len(event), event))
            self.wfile.flush()
        self.wfile.write(b'0\r\n\r\n')

    def websocket(self):
        accept = hashlib.sha1((self.headers['Sec-WebSocket-Key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest()
        self.send_response(101)
        self.send_header('Upgrade', 'websocket')
        self.send_header('Connection', 'Upgrade')
        self.send_header('Sec-WebSocket-Accept', base64.b64encode(accept).decode())
        self.end_headers()
        self.close_connection = True
        while True:
            head = self.rfile.read(2)
            if len(head) < 2:
                return
            length, mask = head[1] & 0x7F, self.rfile.read(4)
            text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.rfile.read(length)))
            # A close is answered with a close (RFC 6455, section 5.5.1): newer clients call anything else an error.
            self.wfile.write(bytes([head[0], length]) + text)
            self.wfile.flush()
            if head[0] & 0x0F == 8:
                return

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


PORT = next((int(word) for word in sys.argv[1:] if word.isdigit()), 3000)
PATH = next((word for word in sys.argv[1:] if word.startswith('/')), None)
while PATH is not None and not os.path.exists(PATH):
    time.sleep(0.01)
Server(('0.0.0.0', PORT), Handler).serve_forever()
