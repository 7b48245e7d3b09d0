# SPDX-License-Identifier: MIT
# worker: a persistent worker that does what its task says: words, one after the other.
import json
import os
import signal
import sys
import time


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def answer(request, **more):
    fields = {"id": request["id"], "exit": 0, "output": ""}
    fields.update(more)
    say(json.dumps(fields) + "\n")


count = 0
for line in sys.stdin:
    request = json.loads(line)
    count += 1
    words = request["task"].split(" ")
    fields = {"output": request["task"]}
    for word in words:
        name, _, value = word.partition(":")
        if name == "exit":
            fields["exit"] = int(value)
        elif name == "pid":
            fields["output"] = "%d %d" % (os.getpid(), count)
        elif name == "env":
            fields["output"] = request["env"].get(value, "(none)")
        elif name == "own-env":
            fields["output"] = os.environ.get(value, "(none)")
        elif name == "request":
            fields["output"] = line
        elif name == "cwd":
            fields["output"] = os.getcwd()
        elif name == "err":
            sys.stderr.write(value + "\n")
            sys.stderr.flush()
        elif name == "err-bytes":
            sys.stderr.write("e" * int(value))
            sys.stderr.flush()
        elif name == "bytes":
            fields["output"] = "x" * int(value)
        elif name == "sleep":
            time.sleep(float(value))
        elif name == "burn":
            end = time.process_time() + float(value)
            while time.process_time() < end:
                pass
        elif name == "fill":
            block = bytearray(int(value) << 20)
            block[::4096] = b"x" * len(block[::4096])
            del block
        elif name == "keep":
            kept = bytearray(int(value) << 20)
            kept[::4096] = b"x" * len(kept[::4096])
        elif name == "touch":
            open(value, "w").close()
        elif name == "wait-for":
            while not os.path.exists(value):
                time.sleep(0.01)
        elif name == "tell":
            with open(request["env"]["MUSTER_OUTPUT"], "w") as told:
                told.write(value + "\n")
        elif name == "kill":
            os.kill(os.getpid(), int(value))
        elif name == "quit":
            sys.exit(int(value))
        elif name == "say":
            say(value + "\n")
        elif name == "twice":
            say((json.dumps(dict(id=request["id"], exit=0)) + "\n") * 2)
        elif name == "once-more":
            answer(request, output="first")
            time.sleep(0.2)
        elif name == "other-id":
            request["id"] += 1000
        elif name == "close-out":
            os.close(1)
        elif name == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        elif name == "child":
            child = os.fork()
            if child == 0:
                os.setsid()
                time.sleep(1000)
            with open("child", "w") as pid:
                pid.write(str(child))
        elif name == "hang":
            time.sleep(1000)
    answer(request, **fields)
