# SPDX-License-Identifier: MIT
"""screen: what a terminal shows that was sent standard input.

    screen.py COLUMNS

prints all its lines, those that have scrolled off included, without colours. It knows
what programs send that write line by line, and dies of anything else.
"""
import re
import sys

columns = int(sys.argv[1])
lines = [[]]
row = column = 0
wraps = True
sequence = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


def put(char):
    global row, column
    if column == columns:
        if not wraps:
            return
        row, column = row + 1, 0
    while len(lines) <= row:
        lines.append([])
    line = lines[row]
    line.extend(" " * (column + 1 - len(line)))
    line[column] = char
    column += 1


def obey(match):
    global row, wraps
    private, number, letter = match.groups()
    if letter == "A":
        row -= int(number or 1)
        assert row >= 0
    elif letter == "K" and number == "2":
        if row < len(lines):
            lines[row] = []
    elif private and number == "7":
        wraps = letter == "h"
    else:
        assert letter == "m", match.group()


text = sys.stdin.buffer.read().decode("utf-8", "backslashreplace")
at = 0
while at < len(text):
    if text[at] == "\x1b":
        match = sequence.match(text, at)
        assert match, text[at:at + 20]
        obey(match)
        at = match.end()
        continue
    if text[at] == "\r":
        column = 0
    elif text[at] == "\n":
        row += 1
        while len(lines) <= row:
            lines.append([])
    elif text[at] == "\b":
        column = max(column - 1, 0)
    elif text[at] != "\a":
        put(text[at])
    at += 1
print("\n".join("".join(line).rstrip() for line in lines))
