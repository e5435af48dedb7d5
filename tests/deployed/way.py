"""A way between two who speak HTTP: what is asked at its origin goes to a port of this machine. On the way requests get
lost, and a run is stopped in the middle of its work.
"""

import http.client
import http.server
import json
import sys
import threading
import urllib.error
import urllib.request

# Of each connection alone.
HOP_BY_HOP = ("transfer-encoding", "content-length", "connection", "date", "server")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # Who was killed hangs up in the middle of a call.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Way:
    def __init__(self, port):
        self.port = port
        # Requests at these paths are lost, though whoever sent them is told that they arrived.
        self.loses_requests_at = set()
        self.lost = 0
        way = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self):
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                status, headers, content = way.answer(self.command, self.path, self.headers, body)
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                try:
                    self.wfile.write(content)
                except BrokenPipeError:
                    # Whoever asked was stopped meanwhile.
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

            def log_message(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method, path, headers, body):
        if path in self.loses_requests_at:
            self.lost += 1
            return 202, [], b""
        return self.pass_on(method, path, dict(headers.items()), body)

    def pass_on(self, method, path, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body=body or None, headers=headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()


class Line(Way):
    """The way to a PBX. A held line lets one extension be made and keeps the answer; what else is to be made does not
    arrive. So whoever made it cannot have written down that it is there."""

    def __init__(self, port):
        super().__init__(port)
        self.made = threading.Event()
        self._free = threading.Event()
        self._free.set()
        self._one_at_a_time = threading.Lock()

    def hold(self):
        self.made.clear()
        self._free.clear()

    def let_go(self):
        self._free.set()

    def stop(self):
        self.let_go()
        super().stop()

    def answer(self, method, path, headers, body):
        if self._free.is_set() or not path.partition("?")[0].endswith("/extension/create"):
            return super().answer(method, path, headers, body)
        with self._one_at_a_time:
            if not self.made.is_set():
                super().answer(method, path, headers, body)
                self.made.set()
        self._free.wait()
        return 503, [], b""


class Receiver(Way):
    """Where a way ends: keeps the signature and the body of what is posted."""

    def __init__(self):
        super().__init__(None)
        self.heard = []

    def answer(self, method, path, headers, body):
        self.heard.append((headers["connector-signature"], body))
        return 204, [], b""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirects)


def ask(origin, method, path, body=None, headers=None):
    """Asks an origin as the world does, and follows nothing. Status, headers and text, whatever the status."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(origin + path, method=method, data=data, headers={
        "content-type": "application/json", **(headers or {})})
    try:
        with OPENER.open(request, timeout=60) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


class Host:
    """What runs the connector: all that the world knows of it is its gate."""

    gate = None

    @property
    def origin(self):
        return self.gate.origin

    def ask(self, method, path, body=None, headers=None):
        return ask(self.origin, method, path, body, headers)
