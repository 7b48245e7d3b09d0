#!/usr/bin/env python3
# A persistent worker: each task is a number, its answer the sum of the primes below it.
import json, sys

def is_prime(n):
    return n > 1 and all(n % d for d in range(2, int(n ** 0.5) + 1))

for line in sys.stdin:
    request = json.loads(line)
    try:
        total = sum(filter(is_prime, range(int(request["task"]))))
        answer = {"exit": 0, "output": f"{total}\n"}
    except ValueError as why:
        answer = {"exit": 2, "output": f"{why}\n"}
    print(json.dumps({"id": request["id"], **answer}), flush=True)
