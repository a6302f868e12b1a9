"""A name server that knows no name and says so at once, as a real one would: a throw-away engine reaches no other.

    names.py ADDRESS    returns when it listens at port 53 of ADDRESS, and goes on in the background
"""
import os
import socket
import sys

HEADER = 12  # bytes: id, flags, four counts
ANSWER = 0x80  # of the first byte of the flags; the question's other bits are kept
NO_SUCH_NAME = 0x83  # with recursion, which is what was asked for
ONE_QUESTION = b'\0\1' + 3 * b'\0\0'


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((sys.argv[1], 53))
        if os.fork():
            os._exit(0)
        while True:
            asked, who = server.recvfrom(4096)
            if len(asked) > HEADER:
                server.sendto(answer(asked), who)


def answer(asked):
    """The question, with the word that there is no such name; what else came with it is left out."""
    end = HEADER
    while end < len(asked) and asked[end]:
        end += 1 + asked[end]
    return asked[:2] + bytes([asked[2] | ANSWER, NO_SUCH_NAME]) + ONE_QUESTION + asked[HEADER:end + 5]


if __name__ == '__main__':
    main()
