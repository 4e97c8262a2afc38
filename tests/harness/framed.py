"""A connection on which frames come behind their length: what the client by hand (raw.py), the broker by hand (peer.py) and the frames of
tests/differences have in common."""

import socket
import struct


class Framed:
    def __init__(self, host, port, timeout):
        self.socket = socket.create_connection((host, port), timeout)

    @classmethod
    def of(cls, connected):
        """Around a socket that somebody else has connected."""
        made = cls.__new__(cls)
        made.socket = connected
        return made

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read(self, n):
        data = b""
        while len(data) < n:
            piece = self.socket.recv(n - len(data))
            if not piece:
                raise ConnectionError("the broker closed the connection")
            data += piece
        return data

    def write_frame(self, data):
        self.socket.sendall(struct.pack(">i", len(data)) + data)

    def read_frame(self):
        return self.read(struct.unpack(">i", self.read(4))[0])
