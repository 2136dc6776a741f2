# Reads python-match.json and prints each regex of which re.match says something else than the table.
import json, re, sys, warnings

warnings.simplefilter("ignore")
table = json.load(sys.stdin)
for regex, expected in table["matches"].items():
    matched = [user for user in table["users"] if re.match(regex, user)]
    if matched != expected:
        print(regex)
