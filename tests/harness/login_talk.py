"""Kafka's frames before and during a login, by hand: what real clients never send, too."""

import contextlib
import socket
import struct


class Talk:
    """Kafka's frames by hand."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.settimeout(8)

    def send(self, data):
        self.socket.sendall(struct.pack(">i", len(data)) + data)

    def receive(self):
        """A frame; None: the connection has ended."""
        data = b""
        try:
            while len(data) < 4 or len(data) < 4 + struct.unpack(">i", data[:4])[0]:
                got = self.socket.recv(65536)
                if not got:
                    return None
                data += got
        except ConnectionError:
            return None
        return data[4:]

    def asks(self, key, version, body):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send(struct.pack(">hhih", key, version, 7, -1) + body)
        return self.receive()

    def chooses(self, mechanism, version=1):
        """The error."""
        answer = self.asks(17, version, struct.pack(">h", len(mechanism)) + mechanism.encode())
        return None if answer is None else struct.unpack(">h", answer[4:6])[0]

    def token(self, data):
        """Error and bytes; None: it has ended."""
        answer = self.asks(36, 0, struct.pack(">i", len(data)) + data)
        if answer is None:
            return None
        error, text = struct.unpack(">hh", answer[4:8])
        return error, answer[8 + max(text, 0) + 4 :]

    def close(self):
        self.socket.close()
