"""Ends at once with code 3 and a reason on stderr: for launches that fail."""

import sys

print('Looking for the database', flush=True)
print('no database at db.example:5432', file=sys.stderr)
sys.exit(3)
