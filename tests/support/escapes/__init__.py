"""
What a process could try in order to reach something outside of its walls, each action inert.

`attempts/` is the program that tries; it needs nothing but Python and the C library, and says of
each action what came of it. `outside.py` is what there is to be reached: files, secrets, sockets,
a victim process. Whether something arrived is seen there, not by what the program believes.
"""
