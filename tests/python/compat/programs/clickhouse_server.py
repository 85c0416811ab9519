"""ClickHouse's engine behind as much of its HTTP protocol as clients for inserts need.

The engine is that of the packages chdb and chdb-core-lite, which have no server.
`clickhouse_server.py FOLDER` keeps its tables in the folder, listens on a free port, and prints
the port.
"""

from __future__ import annotations

import gzip
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from chdb.session import Session

FOLDER = Path(sys.argv[1])
ENGINE = Session(str(FOLDER / "tables"))
# A client keeps its connection, and so its thread; the engine answers one at a time.
TURN = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Run the statement of the URL or of the body; the other may be what it inserts."""
        asked = parse_qs(urlsplit(self.path).query).get("query", [""])[0]
        body = self._body()
        try:
            with TURN:
                if asked.startswith("INSERT"):
                    answer = self._insert(asked, body)
                else:
                    answer = self._select(f"{asked}\n{body.decode()}".strip())
        except RuntimeError as ex:
            self._answer(500, str(ex).encode())
        else:
            self._answer(200, answer)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _insert(self, statement: str, rows: bytes) -> bytes:
        target, form = re.split(r"\s+FORMAT\s+", statement, maxsplit=1)
        file = FOLDER / "rows"
        file.write_bytes(rows)
        ENGINE.query(f"{target} SELECT * FROM file('{file}', '{form.strip()}')")
        return b""

    def _select(self, statement: str) -> bytes:
        found = re.search(r"\s+FORMAT\s+(\w+)\s*$", statement)
        form = found[1] if found else "TabSeparated"
        result = ENGINE.query(statement[: found.start()] if found else statement, form)
        return bytes(result.bytes() or b"")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        else:
            body = b""
            while length := int(self.rfile.readline(), 16):
                body += self.rfile.read(length)
                self.rfile.readline()
            self.rfile.readline()
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-ClickHouse-Summary", "{}")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
