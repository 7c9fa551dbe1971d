"""Control groups: what all processes of a program may use together, root's included."""
