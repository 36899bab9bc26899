"""registry.py DIRECTORY PORT: a registry of images to pull from (distribution-spec). DIRECTORY/NAME is what `podman save --format oci-dir` wrote; any tag is its image. Says that it is ready as a service of systemd."""
import http.server
import json
import os
import pathlib
import re
import socket
import sys

root = pathlib.Path(sys.argv[1])


def blob(name, digest):
    return (root / name / 'blobs' / digest.replace(':', '/')).read_bytes()


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        manifest = re.fullmatch(r'/v2/([\w-]+)/manifests/(.+)', self.path)
        layer = re.fullmatch(r'/v2/([\w-]+)/blobs/(sha256:[0-9a-f]{64})', self.path)
        try:
            if manifest:
                name, tag = manifest.groups()
                digest = tag if tag.startswith('sha256:') else json.loads((root / name / 'index.json').read_text())['manifests'][0]['digest']
                self.give(blob(name, digest), 'application/vnd.oci.image.manifest.v1+json', digest)
            elif layer:
                self.give(blob(*layer.groups()), 'application/octet-stream', layer[2])
            else:
                self.give(b'{}', 'application/json')
        except FileNotFoundError:
            self.send_error(404)

    do_HEAD = do_GET

    def give(self, body, kind, digest=None):
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        if digest:
            self.send_header('Docker-Content-Digest', digest)
        self.end_headers()
        if self.command == 'GET':
            self.wfile.write(body)


server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[2])), Registry)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect(os.environ['NOTIFY_SOCKET'].replace('@', '\0', 1))
notify.send(b'READY=1')
server.serve_forever()
