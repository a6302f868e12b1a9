"""Tries what no buildpack may do, and reports each attempt as `tried NAME: denied` or `tried NAME: SUCCEEDED`.

HOSTILE in the app's environment chooses what: `battery` (the default), or one thing that is judged from outside, such as
`droplet=symlink`; see afterwards.py.
"""
import os

import afterwards
import attempts
import left_running

what, _, how = os.environ.get('HOSTILE', 'battery').partition('=')
if what == 'battery':
    attempts.try_all()
    left_running.start_all()
else:
    afterwards.MODES[what](how)
