"""Asks a server without pause, as its users do, until it is told to end.

    asker.py URL      ends with SIGTERM or SIGINT; the last line is `asked=… failed=…`, and what failed stands above
"""
import http.client
import signal
import sys
import urllib.request

PATIENCE = 5  # seconds for an answer
AT_MOST = 10  # failures that are told


def main():
    asked, failed, stopped = 0, 0, []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.append(True))
    while not stopped:
        asked += 1
        try:
            with urllib.request.urlopen(sys.argv[1], timeout=PATIENCE) as answer:
                answer.read()
        except (OSError, http.client.HTTPException) as error:
            failed += 1
            if failed <= AT_MOST:
                print(f'{type(error).__name__}: {error}')
    print(f'asked={asked} failed={failed}')


if __name__ == '__main__':
    main()
