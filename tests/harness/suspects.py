"""Which of many frames ended a broker: each is sent alone to a cluster of one, and the one that ends it too is made as short as it goes."""

import socket
import struct

from harness.cluster import Cluster


def framed(body):
    return struct.pack(">I", len(body)) + body


def read_frames(path):
    """The frames of a file: one a line in hex, with their length; what follows a # is talk."""
    with open(path) as lines:
        words = [line.split("#")[0].strip() for line in lines]
    return [bytes.fromhex(w) for w in words if w]


def send(port, frame, seconds=1.0):
    """The answer of the broker, or what there was of it when it closed or the time was over."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.sendall(frame)
            s.settimeout(seconds)
            while len(answer) < 4 or len(answer) < 4 + struct.unpack(">I", answer[:4])[0]:
                piece = s.recv(1 << 20)
                if not piece:
                    break
                answer += piece
    except OSError:
        pass
    return answer


class Trial:
    """A cluster of one with the topics that the frames name."""

    def __init__(self, settings, make_topics):
        self.settings, self.make_topics, self.cluster = settings, make_topics, None

    def ends_it(self, frame):
        if self.cluster is None:
            self.cluster = Cluster(1, settings=self.settings).start()
            self.make_topics(self.cluster, 1)
        broker = self.cluster[1]
        send(broker.port, frame, 0.3)
        send(broker.port, bytes.fromhex("0000000a00120000000000070000"), 5)  # ApiVersions: whatever it still did is done
        if broker.alive():
            return False
        self.close()
        return True

    def close(self):
        if self.cluster is not None:
            self.cluster.close()
        self.cluster = None


def smallest(trial, frame, tries=60):
    """Pieces of the body are taken out while what is left still ends the broker."""
    body, step = frame[4:], max(len(frame) // 2, 1)
    while step and tries > 0:
        at, shorter = 12, None
        while at < len(body) and tries > 0 and shorter is None:
            candidate = body[:at] + body[at + step :]
            tries -= 1
            if trial.ends_it(framed(candidate)):
                shorter = candidate
            at += step
        body, step = (shorter, min(step, len(shorter))) if shorter else (body, step // 2)
    return framed(body)


def find(frames, settings, make_topics, path):
    """Writes the shortest frame that ends a broker to `path`; says what was found."""
    trial = Trial(settings, make_topics)
    try:
        for frame in frames:
            if trial.ends_it(frame):
                found = smallest(trial, frame)
                path.write_text(found.hex() + "\n")
                return f"{path} has a frame of {len(found)} bytes that does it alone"
    finally:
        trial.close()
    path.write_text("".join(f.hex() + "\n" for f in frames))
    return f"no frame did it alone; {path} has all that were under way"
