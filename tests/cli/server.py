# SPDX-License-Identifier: MIT
"""server: an HTTP server on a loopback port, with good and bad manners by path.

    server.py FOLDER [--port N] [--cert FILE --key FILE] [--delay SECONDS]

writes its port to FOLDER/port once it listens, and each request's first line to
FOLDER/requests. It serves until it is killed.
"""
import argparse
import base64
import os
import socket
import ssl
import threading
import time

args = argparse.ArgumentParser()
args.add_argument("folder")
args.add_argument("--port", type=int, default=0)
args.add_argument("--cert")
args.add_argument("--key")
args.add_argument("--delay", type=float, default=0)
args = args.parse_args()

lock = threading.Lock()
seen = {}


def read_request(conn, buffered):
    """First line, headers (lower case), body; and what follows. None at the end."""
    data = buffered
    while b"\r\n\r\n" not in data:
        more = conn.recv(65536)
        if not more:
            return None
        data += more
        if data[0] == 0x16:  # the beginning of TLS
            return None
    head, data = data.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
    if headers.get("expect", "").lower() == "100-continue":
        conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = int(headers.get("content-length", 0))
    while len(data) < length:
        more = conn.recv(65536)
        if not more:
            return None
        data += more
    return lines, headers, data[:length], data[length:]


def answer(conn, status, body=b"", extra=""):
    conn.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body)


def count(path):
    with lock:
        seen[path] = seen.get(path, 0) + 1
        return seen[path]


def send_bytes(conn, total):
    conn.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n".encode())
    block = b"0123456789abcde\n" * 4096
    while total > 0:
        conn.sendall(block[:total])
        total -= len(block)


def serve(conn, lines, headers, body):
    """Whether the connection can be used again."""
    method, path, _ = lines[0].split(" ")
    word, _, rest = path.lstrip("/").partition("/")
    rest, _, query = rest.partition("?")
    word = word.partition("?")[0]
    nth = count(path)
    if word == "ok":
        answer(conn, "200 OK", b"" if method == "HEAD" else b"fine\n")
    elif word == "status":  # /status/503, with ?SECONDS of Retry-After
        extra = f"Retry-After: {query}\r\n" if query else ""
        answer(conn, f"{rest} Because", b"status " + rest.encode() + b"\n", extra)
    elif word == "flaky":  # /flaky/503/2: the first two requests get that
        status, times = rest.split("/")
        extra = f"Retry-After: {query}\r\n" if query else ""
        if nth <= int(times):
            answer(conn, f"{status} Not Now", b"not now\n", extra)
        else:
            answer(conn, "200 OK", b"at last\n")
    elif word == "echo":
        answer(conn, "200 OK", "\n".join(lines).encode("latin-1") + b"\n\n" + body)
    elif word == "length":
        answer(conn, "200 OK", f"{len(body)}\n".encode())
    elif word == "sum":  # of the bytes of the body
        answer(conn, "200 OK", f"{sum(body)}\n".encode())
    elif word in ("items", "notes"):  # of the manual's sample
        answer(conn, "200 OK", body or b"[]\n")
    elif word == "login":
        wanted = "Basic " + base64.b64encode(rest.encode()).decode()
        good = headers.get("authorization") == wanted
        answer(conn, "200 OK" if good else "401 No", b"in\n" if good else b"out\n")
    elif word == "bytes":
        send_bytes(conn, int(rest))
    elif word == "redirect":  # /redirect/N: so many times, then /ok
        to = f"/redirect/{int(rest) - 1}" if int(rest) > 1 else "/ok"
        answer(conn, "302 Found", b"elsewhere\n", f"Location: {to}\r\n")
    elif word == "repeat":  # the same request again at /length
        answer(conn, "307 Again", b"", "Location: /length\r\n")
    elif word == "loop":
        answer(conn, "302 Found", b"", "Location: /loop\r\n")
    elif word == "to-file":
        answer(conn, "302 Found", b"", "Location: file:///etc/passwd\r\n")
    elif word == "silent":
        time.sleep(3600)
    elif word == "drip":
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            conn.sendall(b".")
            time.sleep(1)
    elif word == "half-header":
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Len")
        return False
    elif word == "rubbish":
        conn.sendall(b"\x00\x01 this is no HTTP\r\n\r\n")
        return False
    elif word == "bad-chunk":
        conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\nxyz\r\n")
        return False
    elif word == "short":
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly so much\n")
        return False
    else:
        answer(conn, "404 Not Found", b"not here\n")
    return True


def talk(conn):
    try:
        if args.cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(args.cert, args.key)
            conn = context.wrap_socket(conn, server_side=True)
        rest = b""
        while True:
            request = read_request(conn, rest)
            if not request:
                break
            lines, headers, body, rest = request
            with lock, open(os.path.join(args.folder, "requests"), "a") as log:
                log.write(lines[0] + "\n")
            if not serve(conn, lines, headers, body):
                break
    except (OSError, ValueError):
        pass
    conn.close()


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", args.port))
time.sleep(args.delay)
listener.listen(128)
name = os.path.join(args.folder, "port")
with open(name + ".new", "w") as out:
    out.write(str(listener.getsockname()[1]))
os.rename(name + ".new", name)
while True:
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=talk, args=(connection,), daemon=True).start()
