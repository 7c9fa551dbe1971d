"""
Run a program again as it was run before, where nothing has changed that decided about it.

`facts` says what decided, `keeping` notes a run with it, `running` finds the note and repeats the
run. All but `keeping` import next to nothing: they are the start of a server, which is to take
milliseconds. See docs/adr/0043.
"""
