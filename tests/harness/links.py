"""The links between the brokers of a cluster, with a TCP proxy in front of every peer port: what one broker sends to another can be
held back while the other direction goes on.

    links = Links(cluster)          before the cluster starts
    links.cut(1, 2)                 what broker 1 says no longer arrives at broker 2
    links.heal()                    what was held back arrives, as after a retransmission
    links.hang(1, 2, BULK)          the same for one connection of the two, and for ever: only a new one gets through
"""

import os
import socket
import threading

from harness.cluster import wait_until


class Links:
    def __init__(self, cluster):
        self.cluster, self.cuts, self.changed = cluster, set(), threading.Condition()
        self.flows = []  # (source, target, channel, event: it hangs) of every connection and direction
        self.listeners = []
        for broker in cluster:
            listener = socket.create_server(("127.0.0.1", 0))
            broker.told_peer_port = listener.getsockname()[1]
            self.listeners.append(listener)
            threading.Thread(target=self.accept, args=(listener, broker), daemon=True).start()

    def cut(self, source, target):
        with self.changed:
            self.cuts.add((source, target))

    def heal(self):
        with self.changed:
            self.cuts.clear()
            self.changed.notify_all()

    def hang(self, source, target, channel):
        """How many connections there are that hang now."""
        hung = [flow[3] for flow in self.flows if flow[:3] == (source, target, channel)]
        for event in hung:
            event.set()
        return len(hung)

    def close(self):
        self.heal()
        for listener in self.listeners:
            listener.close()

    def accept(self, listener, broker):
        while True:
            try:
                dialled, address = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(dialled, address[1], broker), daemon=True).start()

    def serve(self, dialled, port, broker):
        try:
            source = wait_until("the broker that dialled", lambda: self.owner_of(port), 1)
            served = socket.create_connection(("127.0.0.1", broker.peer_port))
        except (OSError, TimeoutError):  # a probe that has gone already, or a broker that does not listen
            dialled.close()
            return
        for one in (dialled, served):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self.pump, args=(dialled, served, (source, broker.node)), daemon=True).start()
        self.pump(served, dialled, (broker.node, source))

    def owner_of(self, port):
        """The node whose process holds the client's end of a connection from this port."""
        with open("/proc/net/tcp") as table:
            rows = [line.split() for line in table.readlines()[1:]]
        inodes = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[9] != "0"}
        for broker in self.cluster:
            if not broker.alive():
                continue
            folder = f"/proc/{broker.pid}/fd"
            for name in os.listdir(folder):
                try:
                    if os.readlink(f"{folder}/{name}") in inodes:
                        return broker.node
                except FileNotFoundError:
                    pass
        return None

    def pump(self, source, target, link):
        flow = None
        try:
            while data := source.recv(1 << 16):
                if flow is None:  # the first frame says on which of the two connections it goes (peer_frame.h)
                    flow = (*link, data[5], threading.Event())
                    self.flows.append(flow)
                if flow[3].is_set():
                    continue  # swallowed: the connection stays, and nobody is told
                with self.changed:
                    self.changed.wait_for(lambda: link not in self.cuts)
                target.sendall(data)
        except OSError:
            pass
        if flow in self.flows:
            self.flows.remove(flow)
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
