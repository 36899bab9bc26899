"""make_image.py DIR: an image in OCI's layout, from JSON on standard input: {"config": {…}, "layers": [[ENTRY…]…]}.

ENTRY is a member of a layer's archive, written as it is said, whatever harm it may do: {"name", "data" | "link" | "device": [major, minor]
| neither (a directory), "mode", "uid"}. So images can be made that no builder makes.
"""
import hashlib
import io
import json
import os
import platform
import sys
import tarfile


def member(entry):
    info = tarfile.TarInfo(entry['name'])
    info.mode = entry.get('mode', 0o755)
    info.uid = info.gid = entry.get('uid', 0)
    data = entry.get('data', '').encode()
    if 'link' in entry:
        info.type, info.linkname = tarfile.SYMTYPE, entry['link']
    elif 'device' in entry:
        info.type = tarfile.CHRTYPE
        info.devmajor, info.devminor = entry['device']
    elif 'copy' in entry:
        with open(entry['copy'], 'rb') as file:
            data = file.read()
    elif 'data' not in entry:
        info.type = tarfile.DIRTYPE
    info.size = len(data)
    return info, io.BytesIO(data)


def layer_of(entries):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode='w') as archive:
        for entry in entries:
            archive.addfile(*member(entry))
    return file.getvalue()


def main(directory):
    wanted = json.load(sys.stdin)
    os.makedirs(f'{directory}/blobs/sha256')

    def blob(media, data):
        digest = hashlib.sha256(data).hexdigest()
        with open(f'{directory}/blobs/sha256/{digest}', 'wb') as file:
            file.write(data)
        return {'mediaType': f'application/vnd.oci.image.{media}', 'digest': f'sha256:{digest}', 'size': len(data)}

    layers = [blob('layer.v1.tar', layer_of(entries)) for entries in wanted['layers']]
    architecture = {'x86_64': 'amd64', 'aarch64': 'arm64'}[platform.machine()]
    config = {'architecture': architecture, 'os': 'linux', 'config': wanted['config'], 'rootfs': {'type': 'layers', 'diff_ids': [layer['digest'] for layer in layers]}}
    manifest = {'schemaVersion': 2, 'config': blob('config.v1+json', json.dumps(config).encode()), 'layers': layers}
    index = {'schemaVersion': 2, 'manifests': [blob('manifest.v1+json', json.dumps(manifest).encode())]}
    for name, value in (('index.json', index), ('oci-layout', {'imageLayoutVersion': '1.0.0'})):
        with open(f'{directory}/{name}', 'w') as file:
            json.dump(value, file)


main(sys.argv[1])
