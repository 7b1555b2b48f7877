"""Objects and pushes that git itself would not make."""
import hashlib
import struct
import subprocess
import zlib

NOTHING = "0" * 40
KINDS = {"commit": 1, "tree": 2, "blob": 3, "delta": 7}  # gitformat-pack(5); the delta names its base by id


def loose(kind, content):
    """Id of an object, and what pack_of takes."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(content)) + content).hexdigest(), (kind, content, b"")


def delta(base, size, copies):
    """An object that is the base's first `size` bytes, so many times: (id of the base, size of it all) and 4 bytes a copy."""
    body = varint(size) + varint(size * copies) + (b"\xf0" + struct.pack("<I", size)[:3]) * copies
    return "delta", body, bytes.fromhex(base)


def varint(value):
    out = bytearray()
    while value > 127:
        out.append((value & 127) | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def commit_of(*entries):
    """A commit of a tree with (mode, name, content) in it. Returns its id and its objects."""
    objects, tree = [], b""
    for mode, name, content in entries:
        blob_id, blob = loose("blob", content)
        objects.append(blob)
        tree += mode + b" " + name + b"\0" + bytes.fromhex(blob_id)
    tree_id, tree_object = loose("tree", tree)
    who = "A <a@example.org> 1 +0000"
    commit_id, commit = loose("commit", f"tree {tree_id}\nauthor {who}\ncommitter {who}\n\nx\n".encode())
    return commit_id, [*objects, tree_object, commit]


def pack_of(objects):
    body = b"PACK" + struct.pack(">II", 2, len(objects))
    for kind, content, base in objects:
        value = len(content) >> 4
        first = (KINDS[kind] << 4) | (len(content) & 15)
        body += (bytes([first | 128]) + varint(value) if value else bytes([first])) + base + zlib.compress(content)
    return body + hashlib.sha1(body).digest()


def raw_push(client, name, pack, new, ref="refs/heads/main", old=NOTHING):
    """Speaks the protocol without git's own checks: one update and these pack bytes. Returns all that is answered."""
    update = f"{old} {new} {ref}\0report-status\n".encode()
    process = subprocess.Popen(client.ssh_command(f"git-receive-pack '{name}'"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    return process.communicate(b"%04x" % (len(update) + 4) + update + b"0000" + pack, timeout=60)[0]
