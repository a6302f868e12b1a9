"""Listens only after SLOW_START seconds (default 5) and answers SLOW_PAGE seconds later (default 0): for health checks and start
timeouts."""

import http.server
import os
import signal
import sys
import time


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(float(os.environ.get('SLOW_PAGE', '0')))
        self.send_response(200)
        self.send_header('Content-Length', '6')
        self.end_headers()
        self.wfile.write(b'ready\n')


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
seconds = float(os.environ.get('SLOW_START', '5'))
print(f'Warming up for {seconds:g} seconds', flush=True)
time.sleep(seconds)
print('Ready', flush=True)
http.server.ThreadingHTTPServer(('0.0.0.0', int(os.environ.get('PORT', '8080'))), Ready).serve_forever()
