"""
The actions, by topic; `__main__.py` tries them. A new one is a function here and a row in the docs.

Every action is harmless: it touches marker files, talks to listeners on loopback, and looks at a
victim made for it. Its name is the function's, its meaning the docstring; it returns if it worked.
"""
