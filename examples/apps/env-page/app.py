"""Shows its environment: as a page at /, as JSON at /env.json. /healthz says ok."""

import html
import http.server
import json
import os
import signal
import sys

PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 15px sans-serif; margin: 2em }} td {{ padding: 2px 1em 2px 0; vertical-align: top }}
td:first-child {{ font-weight: bold; white-space: nowrap }} td:last-child {{ font-family: monospace; word-break: break-all }}</style>
</head>
<body><h1>{title}</h1>
<table>
{rows}
</table></body>
</html>
"""


def page():
    application = json.loads(os.environ.get('VCAP_APPLICATION') or '{}')
    title = f"{application.get('application_name', 'env-page')}, instance {os.environ.get('INSTANCE_INDEX', '?')}"
    rows = (
        f'<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>'
        for name, value in sorted(os.environ.items())
    )
    return PAGE.format(title=html.escape(title), rows='\n'.join(rows))


class Environment(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answers = {
            '/': ('text/html; charset=utf-8', page),
            '/env.json': ('application/json', lambda: json.dumps(dict(os.environ), sort_keys=True)),
            '/healthz': ('text/plain', lambda: 'ok\n'),
        }
        if self.path not in answers:
            self.send_error(404)
            return
        kind, text = answers[self.path]
        body = text().encode(errors='backslashreplace')
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == '__main__':
    # As process 1 of a container nothing ends it but a handler.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = int(os.environ.get('PORT', '8080'))
    print(f'Listening on port {port}', flush=True)
    http.server.ThreadingHTTPServer(('0.0.0.0', port), Environment).serve_forever()
