# Sends a file as most programs in Python do: all of it, and only then is the answer read. Prints the lines of the answer.
import sys

import requests

with open(sys.argv[2], "rb") as file:
    answer = requests.post(sys.argv[1], data=file, headers={"Content-Type": "text/csv"}, timeout=60)
answer.raise_for_status()
print(answer.content.count(b'{"prediction":'), answer.content.count(b"\n"))
