"""A queue server of a made-up protocol: `LEN name` is answered by how many wait, and for how many seconds the oldest."""

import socketserver
import sys

QUEUES = {"mail": (5, 12.5), "print": (0, 0.0)}


class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            word, *rest = line.decode().split()
            if word == "SET":  # SET mail 7 100: for those who want to see it ring
                QUEUES[rest[0]] = (int(rest[1]), float(rest[2]))
            length, oldest = QUEUES.get(rest[0], ("no", "such queue"))
            self.wfile.write(f"{length} {oldest}\n".encode())


if __name__ == "__main__":
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Talk) as server:
        print("listening on port", server.server_address[1], flush=True)
        server.serve_forever()
