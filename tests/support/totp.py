"""The codes of a second factor, as an authenticator application makes them."""
import base64
import hashlib
import hmac
import struct
import time


def totp(secret, away=0):
    """The code of now, or of so many steps of 30 s later (RFC 6238)."""
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 + away), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 10 ** 6:06d}"
