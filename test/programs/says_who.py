"""says_who.py ADDRESS PORT: a web server that answers with the address of who asked. Says "ready" when it listens."""
import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f'hello {self.client_address[0]}\n'.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler)
print('ready', flush=True)
server.serve_forever()
